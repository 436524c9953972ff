// A hook for Node's module loader: `import 'typescript'` gives TypeScript 5. For build-site.mjs, because TypeDoc reads the
// sources through the JavaScript API of TypeScript, which the native compiler (TypeScript 7) does not have.

/** @type {import('node:module').ResolveHook} */
export const resolve = (specifier, context, next) =>
  next(specifier === 'typescript' ? 'typescript-5' : specifier, context);
