/** The editor of attentions: a text field that knows TypeScript and the library, and shows errors where they are. */
import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, indentOnInput } from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, hoverTooltip, keymap, lineNumbers } from '@codemirror/view';
import type { CodeFailure, RunnableCode } from '../sandbox/userCode.js';
import { type Checker, openChecker } from './checker.js';
import { appearance } from './look.js';
import { problemList } from './problemList.js';

export { firstAttention } from './firstAttention.js';

/** Code that has no error, and what it runs as. */
export interface CheckedCode extends RunnableCode {
  /** What the user wrote. */
  readonly code: string;
}

export interface EditorOptions {
  /** What it starts with; `firstAttention` is an example. */
  readonly code: string;
  /** Its name for those who cannot see it. */
  readonly label: string;
  /** Told of code that has no errors of types or syntax, some 300 ms after the last change; at the start, too. */
  onCode(checked: CheckedCode): void;
  /** Told how many errors there are after each check, 0 included. */
  onErrors?(count: number): void;
}

export interface CodeEditor {
  code(): string;
  setCode(code: string): void;
  /** Marks where the code failed when it ran, until it changes. */
  showFailure(failure: CodeFailure): void;
  focus(): void;
  dispose(): void;
}

/** From the last key to the check, in milliseconds. */
const pause = 300;

/**
 * Puts an editor into an element. Its styles stay inside it, in a shadow root: a policy that forbids inline styles allows
 * that. The tabulator key moves on, as everywhere on the page.
 */
export function createEditor(parent: HTMLElement, { code, label, onCode, onErrors }: EditorOptions): CodeEditor {
  const checker = openChecker();
  const host = parent.appendChild(document.createElement('div'));
  const root = host.attachShadow({ mode: 'open' });
  let timer: ReturnType<typeof setTimeout> | undefined;

  const list = problemList(position => {
    view.dispatch({ selection: { anchor: position }, scrollIntoView: true });
    view.focus();
  });
  const show = (problems: readonly Diagnostic[]) => {
    view.dispatch(setDiagnostics(view.state, problems));
    list.show(problems.map(({ from, message }) => ({ from, message, line: view.state.doc.lineAt(from).number })));
  };
  const check = async () => {
    const checking = view.state.doc.toString();
    const { problems, runnable } = await checker.check(checking);
    // What has changed meanwhile has a check of its own.
    if (view.state.doc.toString() !== checking) return;
    show(problems.map(({ from, to, message }) => ({ from, to, message, severity: 'error' })));
    onErrors?.(problems.length);
    if (runnable) onCode({ ...runnable, code: checking });
  };
  const checkSoon = (after: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => void check(), after);
  };

  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: code,
      extensions: [
        lineNumbers(),
        history(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        javascript({ typescript: true }),
        autocompletion({ override: [completions(checker)] }),
        hints(checker),
        lintGutter(),
        appearance,
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
        EditorView.contentAttributes.of({ 'aria-label': label, autocapitalize: 'off', autocorrect: 'off' }),
        EditorView.updateListener.of(({ docChanged }) => docChanged && checkSoon(pause)),
      ],
    }),
  });
  root.append(list.element);
  checkSoon(0);

  return {
    code: () => view.state.doc.toString(),
    setCode: text => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    showFailure({ message, line: number, column = 1 }) {
      const { doc } = view.state;
      const line = doc.line(Math.min(Math.max(number ?? 1, 1), doc.lines));
      const from = Math.min(line.from + column - 1, line.to);
      show([{ from: number === undefined ? line.from : from, to: line.to, message, severity: 'error', source: 'run' }]);
    },
    focus: () => view.focus(),
    dispose() {
      clearTimeout(timer);
      checker.dispose();
      view.destroy();
      host.remove();
    },
  };
}

/** TypeScript's words for things as the editor's pictures for them. */
const kinds: Readonly<Record<string, string>> = {
  const: 'constant',
  let: 'variable',
  parameter: 'variable',
  alias: 'function',
};

const completions =
  ({ complete }: Checker) =>
  async (context: CompletionContext): Promise<CompletionResult | null> => {
    if (!context.explicit && !context.matchBefore(/[\w$.]$/)) return null;
    const found = await complete(context.state.doc.toString(), context.pos);
    if (!found || context.aborted) return null;
    const options = found.options.map(({ label, kind }) => ({ label, type: kinds[kind] ?? kind }));
    return { from: found.from, options, validFor: /^[\w$]*$/ };
  };

const hints = ({ describe }: Checker) =>
  hoverTooltip(async (view, position) => {
    const hint = await describe(view.state.doc.toString(), position);
    if (!hint) return null;
    const dom = document.createElement('div');
    dom.className = 'hint';
    const type = dom.appendChild(document.createElement('code'));
    type.textContent = hint.type;
    if (hint.text) dom.appendChild(document.createElement('p')).textContent = hint.text;
    return { pos: hint.from, end: hint.to, create: () => ({ dom }) };
  });
