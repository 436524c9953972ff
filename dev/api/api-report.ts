// Makes the API report: what each published entry exports, with its types, as text. Where the text changes, something changes on
// which adopters may rely. For `npm run api:update`, which writes it to docs/api/, and for the test that compares.
//
// The report is made from the declarations in dist/, as adopters get them, without comments, and without members that are private
// or `@internal`. Only our own files are parsed. A type of Node, Express or React appears by its name, so the report takes a second
// instead of ten.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
// TypeScript 7 has no API for other programs.
import ts from 'typescript-5';
import { REPOSITORY } from '../paths.ts';

/** Where the reports are, from the repository's root: one file for each entry. */
export const REPORT_FOLDER = 'docs/api';

/** A published entry: its name, like `inloop/server`, and the file of its declarations (absolute). */
interface Entry {
  readonly name: string;
  readonly file: string;
}

/**
 * Makes the report of each entry in package.json. dist/ must be up to date.
 *
 * @returns the text of each report, by the name of its file in docs/api/
 * @throws Error if an entry has no declarations: dist/ was not built
 */
export function readApiReports(): Map<string, string> {
  const entries = readEntries();
  const program = ts.createProgram({
    rootNames: entries.map(({ file }) => file),
    options: { noLib: true, types: [], module: ts.ModuleKind.NodeNext },
    host: createOwnFilesHost(),
  });
  const checker = program.getTypeChecker();
  const exported = entries.map(({ name, file }) => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`${name} has no declarations in ${file}. Run: npm run build`);
    return { name, exports: checker.getExportsOfModule(module) };
  });
  const writer = new ReportWriter(checker);
  // All exports are added before the first report is written. Otherwise a type that a later entry exports would be printed as one
  // that is only mentioned.
  for (const { name, exports } of exported) writer.addExports(name, exports);
  return new Map(exported.map(({ name, exports }) => [fileNameOf(name), writer.write(name, exports)]));
}

/** Writes the reports, once it knows what all entries export. */
class ReportWriter {
  readonly #checker: ts.TypeChecker;
  readonly #printer = ts.createPrinter({ removeComments: true });
  /** Of each exported declaration: the first entry that exports it, and its name there. */
  readonly #homes = new Map<ts.Symbol, { entry: string; name: string }>();
  /** Declarations that no entry exports, and that a report mentions and so prints already. */
  readonly #mentioned = new Set<ts.Symbol>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  /** Call it for each entry before the first `write`. */
  addExports(entry: string, exports: readonly ts.Symbol[]): void {
    for (const symbol of exports) {
      const target = this.#resolve(symbol);
      if (!this.#homes.has(target)) this.#homes.set(target, { entry, name: symbol.name });
    }
  }

  /** Writes the report of `entry`. @returns its text */
  write(entry: string, exports: readonly ts.Symbol[]): string {
    const mentioned = new Set<ts.Symbol>();
    const own = [...exports].sort(byName).map((symbol) => {
      const home = this.#homes.get(this.#resolve(symbol));
      if (home && home.entry !== entry) {
        const name = home.name === symbol.name ? symbol.name : `${home.name} as ${symbol.name}`;
        return `export { ${name} } from '${home.entry}';`;
      }
      return this.#print(symbol, mentioned);
    });
    const inner: { name: string; text: string }[] = [];
    // The loop also visits what is added to the set while it runs.
    for (const symbol of mentioned) inner.push({ name: symbol.name, text: this.#print(symbol, mentioned) });
    inner.sort(byName);
    return [
      `The API of ${entry}: a change here is one that adopters may notice. Written by "npm run api:update".`,
      ...own,
      ...(inner.length > 0 ? ['Not exported, but mentioned above:', ...inner.map(({ text }) => text)] : []),
      '',
    ]
      .join('\n\n')
      .trimEnd()
      .concat('\n');
  }

  /** The declarations of a symbol as text. Adds to `mentioned` those of our declarations that it mentions and no entry exports. */
  #print(symbol: ts.Symbol, mentioned: Set<ts.Symbol>): string {
    const target = this.#resolve(symbol);
    const texts = (target.declarations ?? []).map((declaration) => {
      this.#collect(declaration, mentioned);
      const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
      return this.#printer.printNode(ts.EmitHint.Unspecified, withoutHidden(statement), declaration.getSourceFile());
    });
    const renamed = target.name === symbol.name ? [] : [`export { ${target.name} as ${symbol.name} };`];
    return [...renamed, ...texts].join('\n').replaceAll('    ', '  ');
  }

  #collect(node: ts.Node, mentioned: Set<ts.Symbol>): void {
    if (isHidden(node)) return;
    if (ts.isIdentifier(node)) {
      const symbol = this.#checker.getSymbolAtLocation(node);
      const target = symbol && this.#resolve(symbol);
      const isTopLevel = target?.declarations?.some((declaration) => isOwnTopLevel(declaration)) ?? false;
      if (target && isTopLevel && !this.#homes.has(target) && !this.#mentioned.has(target)) {
        this.#mentioned.add(target);
        mentioned.add(target);
      }
    }
    ts.forEachChild(node, (child) => this.#collect(child, mentioned));
  }

  #resolve(symbol: ts.Symbol): ts.Symbol {
    if (!(symbol.flags & ts.SymbolFlags.Alias)) return symbol;
    const target = this.#checker.getAliasedSymbol(symbol);
    // What is not found belongs to another package, and is printed by its own name.
    return target.declarations === undefined ? symbol : target;
  }
}

function isOwnTopLevel(declaration: ts.Declaration): boolean {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return ts.isSourceFile(statement.parent) && !ts.isImportDeclaration(statement);
}

/** Whether a member is not for adopters: private, or marked with `@internal`. */
function isHidden(node: ts.Node): boolean {
  if (!ts.isClassElement(node) && !ts.isTypeElement(node)) return false;
  if (node.name !== undefined && ts.isPrivateIdentifier(node.name)) return true;
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  if (modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) return true;
  return ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal');
}

function withoutHidden(node: ts.Node): ts.Node {
  const dropHidden: ts.Visitor = (child) =>
    isHidden(child) ? undefined : ts.visitEachChild(child, dropHidden, undefined);
  return ts.visitEachChild(node, dropHidden, undefined);
}

/** Reads only our own files: what is imported by the name of a package is not looked for. */
function createOwnFilesHost(): ts.CompilerHost {
  const host = ts.createCompilerHost({});
  host.resolveModuleNameLiterals = (literals, containingFile) =>
    literals.map(({ text }) => {
      if (!text.startsWith('.')) return { resolvedModule: undefined };
      const resolvedFileName = join(containingFile, '..', text.replace(/\.[jt]s$/, '.d.ts'));
      return { resolvedModule: { resolvedFileName, extension: ts.Extension.Dts } };
    });
  return host;
}

function readEntries(): Entry[] {
  const { exports } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>;
  };
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : { name: path.replace('.', 'inloop'), file: join(REPOSITORY, target.types) },
  );
}

/** `inloop/testing/feed` is in `testing-feed.txt`. */
function fileNameOf(entry: string): string {
  return `${entry.replace(/^inloop\//, '').replaceAll('/', '-')}.txt`;
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
