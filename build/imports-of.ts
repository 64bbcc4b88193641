// Every import that a source file makes, in any form: static, type-only, re-export, dynamic, require, import type.
// An import whose name is computed has no specifier; it must be reported, never skipped. It reads text alone and
// resolves nothing.
import ts from 'typescript';

export interface FoundImport {
  /** As written, or undefined where it is not a plain string. */
  readonly specifier: string | undefined;
  /** From 1. */
  readonly line: number;
}

/** The imports of a `.ts` or `.svelte` file (there: of its script blocks), in their order. */
export function importsOf(path: string, text: string): FoundImport[] {
  const script = path.endsWith('.svelte') ? scriptsOf(text) : text;
  const source = ts.createSourceFile(path, script, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const found: FoundImport[] = [];
  const visit = (node: ts.Node): void => {
    const name = importedName(node);
    if (name !== undefined) {
      const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
      found.push({ specifier: ts.isStringLiteralLike(name) ? name.text : undefined, line });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The script blocks of a Svelte file, every line where it was. */
function scriptsOf(text: string): string {
  let script = '';
  for (const match of text.matchAll(/(<script[^>]*>)([\s\S]*?)<\/script>/g)) {
    const lines = text.slice(0, match.index + (match[1] ?? '').length).split('\n').length;
    script += '\n'.repeat(lines - script.split('\n').length) + (match[2] ?? '');
  }
  return script;
}

/** The node that names what `node` imports, or undefined where it imports nothing. */
function importedName(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node;
  if (ts.isCallExpression(node) && loads(node.expression)) return node.arguments[0] ?? node;
  return undefined;
}

/** `import(…)`, `require(…)`, `require.resolve(…)` and `import.meta.resolve(…)`. */
function loads(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(callee)) return callee.text === 'require';
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'resolve') return false;
  const { expression } = callee;
  return ts.isMetaProperty(expression) || (ts.isIdentifier(expression) && expression.text === 'require');
}
