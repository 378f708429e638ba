/** What TypeScript says of an attention: its errors, the JavaScript it becomes, what could stand at a place. */
import type { ts } from '@ts-morph/common';
import type { RunnableCode } from '../sandbox/userCode.js';

/** An error, from one offset in the text to another. */
export interface Problem {
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export interface Checked {
  readonly problems: readonly Problem[];
  /** What the code runs as; of code without problems. */
  readonly runnable?: RunnableCode;
}

export interface Completion {
  readonly label: string;
  /** TypeScript's word for what it is, such as `function`. */
  readonly kind: string;
}

export interface Completions {
  /** Where the word that they stand for begins. */
  readonly from: number;
  readonly options: readonly Completion[];
}

/** What a name is. */
export interface Hint {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly text: string;
}

export interface Language {
  check(code: string): Checked;
  complete(code: string, position: number): Completions | undefined;
  describe(code: string, position: number): Hint | undefined;
}

const attention = '/attention.ts';
/** A second file, which wants of the first what the sandbox will. */
const wanted = '/wanted.ts';
const wantedText = `import given from './attention.js';\nimport type { Attention } from 'clipscope';\nexport const attention: Attention = given;\n`;

/**
 * @param typescript the compiler
 * @param types declaration files by path, see `build/editorTypes.ts`
 */
export function openLanguage(typescript: typeof ts, types: Readonly<Record<string, string>>): Language {
  let [text, version] = ['', 0];
  const textOf = (path: string): string | undefined =>
    path === attention ? text : path === wanted ? wantedText : types[path];
  const options: ts.CompilerOptions = {
    target: typescript.ScriptTarget.ES2022,
    module: typescript.ModuleKind.ESNext,
    moduleResolution: typescript.ModuleResolutionKind.Bundler,
    lib: ['lib.es2022.d.ts'],
    types: [],
    strict: true,
    isolatedModules: true,
    skipLibCheck: true,
  };
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [attention, wanted],
    getScriptVersion: path => (path === attention ? String(version) : '0'),
    getScriptSnapshot(path) {
      const content = textOf(path);
      return content === undefined ? undefined : typescript.ScriptSnapshot.fromString(content);
    },
    getCurrentDirectory: () => '/',
    getDefaultLibFileName: () => '/lib.es2022.d.ts',
    fileExists: path => textOf(path) !== undefined,
    readFile: textOf,
    resolveModuleNameLiterals: (literals, from) =>
      literals.map(({ text: name }) => {
        const resolvedFileName = resolved(name, from);
        return {
          resolvedModule:
            resolvedFileName === undefined || textOf(resolvedFileName) === undefined
              ? undefined
              : { resolvedFileName, extension: resolvedFileName.replace(/^.*?(\.d)?(\.c?ts)$/, '$1$2') },
        };
      }),
  };
  const service = typescript.createLanguageService(host);
  const problemsOf = (path: string): ts.Diagnostic[] => {
    const syntax = service.getSyntacticDiagnostics(path);
    return syntax.length > 0 ? syntax : service.getSemanticDiagnostics(path);
  };
  const set = (code: string) => {
    if (code !== text || version === 0) version++;
    text = code;
  };
  const message = ({ messageText }: ts.Diagnostic) =>
    typescript.flattenDiagnosticMessageText(messageText, '\n').replace(/\s*\n\s*/g, ' ');

  return {
    check(code) {
      set(code);
      const own = problemsOf(attention).map((problem): Problem => {
        const from = problem.start ?? 0;
        return { from, to: from + (problem.length ?? 0), message: message(problem) };
      });
      const [contrary] = own.length > 0 ? [] : problemsOf(wanted);
      if (contrary) own.push({ ...exported(typescript, code), message: message(contrary) });
      return own.length > 0 ? { problems: own } : { problems: [], runnable: runnable(typescript, code) };
    },
    complete(code, position) {
      set(code);
      const found = service.getCompletionsAtPosition(attention, position, {});
      if (!found) return undefined;
      const from = position - (/[\w$]*$/.exec(code.slice(0, position))?.[0].length ?? 0);
      return { from, options: found.entries.map(({ name, kind }) => ({ label: name, kind })) };
    },
    describe(code, position) {
      set(code);
      const info = service.getQuickInfoAtPosition(attention, position);
      if (!info) return undefined;
      const { start, length } = info.textSpan;
      const plain = (parts: ts.SymbolDisplayPart[] | undefined) => (parts ?? []).map(part => part.text).join('');
      return { from: start, to: start + length, type: plain(info.displayParts), text: plain(info.documentation) };
    },
  };
}

/** Where an import leads in the editor's own file system. */
function resolved(name: string, from: string): string | undefined {
  if (name === 'clipscope' || name === 'clipscope/browser') return '/src/lab/page/sandbox/library.d.ts';
  if (name === '@tensorflow/tfjs-core') return '/tensors.d.ts';
  if (!name.startsWith('.')) return undefined;
  const path = new URL(name, `file://${from}`).pathname;
  return path === '/attention.js' ? attention : path.replace(/\.(c?)js$/, '.d.$1ts');
}

/** The range of what the code exports, or its last line. */
function exported(typescript: typeof ts, code: string): { from: number; to: number } {
  const file = typescript.createSourceFile(attention, code, typescript.ScriptTarget.ES2022);
  const statement = file.statements.find(typescript.isExportAssignment);
  if (statement) return { from: statement.getStart(file), to: statement.end };
  const end = code.trimEnd().length;
  return { from: code.lastIndexOf('\n', end - 1) + 1, to: end };
}

function runnable(typescript: typeof ts, code: string): RunnableCode {
  const { outputText, sourceMapText } = typescript.transpileModule(code, {
    fileName: attention,
    compilerOptions: {
      target: typescript.ScriptTarget.ES2022,
      module: typescript.ModuleKind.CommonJS,
      sourceMap: true,
    },
  });
  const js = outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, '');
  return { js, mappings: (JSON.parse(sourceMapText!) as { mappings: string }).mappings };
}
