// Lets the test files that run in one process share compiled modules. Jest loads all modules anew for every test file, also its
// own modules, and compiles each again. Without this, compiling takes a quarter of the CPU time of `npm run test:unit`. For
// test-environment.cjs.
'use strict';

const { Script } = require('node:vm');

/**
 * Makes a stand-in for `vm.compileFunction`, which Jest calls for each module that a test file loads. The stand-in compiles a module
 * again only if its source has changed. Each call returns a function of its own, in the context that the call names, so test files
 * still share no state. Calls without a file name or a context go to `compileFunction`.
 *
 * The stand-in ignores the option `importModuleDynamically`: with it a compiled source cannot be shared. Nothing is lost, since Jest
 * refuses `import()` in a CommonJS module anyway, unless Node runs with `--experimental-vm-modules`.
 *
 * @param {typeof import('node:vm').compileFunction} compileFunction
 * @returns {typeof compileFunction}
 */
module.exports = function compileOnce(compileFunction) {
  /** By file name: what was compiled last. @type {Map<string, { code: string, script: Script }>} */
  const compiled = new Map();
  return (source, parameters = [], options = {}) => {
    const { filename, parsingContext } = options;
    if (filename === undefined || parsingContext === undefined) return compileFunction(source, parameters, options);
    const head = `(function (${parameters.join(', ')}) {`;
    const code = `${head}${source}\n})`;
    let known = compiled.get(filename);
    if (known?.code !== code) {
      // The offset keeps the columns of the first line in stack traces right.
      known = { code, script: new Script(code, { filename, columnOffset: -head.length }) };
      compiled.set(filename, known);
    }
    return known.script.runInContext(parsingContext);
  };
};
