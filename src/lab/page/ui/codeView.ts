/** The user's own attention: an editor, which is loaded when it is first wanted, and the way from it to the panels. */
import type { CheckedCode, CodeEditor } from '../editor/editor.js';
import type { Session } from '../session.js';
import type { Shown } from '../shown.js';
import { button, el, fill } from './dom.js';
import type { View } from './header.js';
import { hasOwn } from './panelsView.js';

/** @param linked whether the code came with the address: then nothing runs before the user says so */
export function codeView(session: Session, linked: boolean): View {
  const place = el('div', 'editor');
  const state = el('p', { class: 'quiet', attributes: { role: 'status' } });
  const use = button('Show it in a panel', () => session.addPanel({ method: 'sclip', attention: 'mine' }));
  const ask = el(
    'p',
    { class: 'notice', set: { hidden: !linked } },
    'This link brought an attention that somebody wrote. It runs in a worker that reaches neither network nor page. ',
    button('Run it', () => {
      trusted = true;
      ask.hidden = true;
      if (checked) session.setCode(checked.code, checked);
    }),
  );
  const summary = el('summary', {}, 'An attention of your own');
  const details = el(
    'details',
    { class: 'code', on: { toggle: () => details.open && void open() } },
    summary,
    ask,
    place,
    el('div', 'actions', use, state),
  );
  let trusted = !linked;
  let checked: CheckedCode | undefined;
  let editor: Promise<CodeEditor> | undefined;
  let failed: Shown['codeFailure'];

  function open(): Promise<CodeEditor> {
    editor ??= import('../editor/editor.js').then(({ createEditor, firstAttention }) =>
      createEditor(place, {
        code: session.shown.code || firstAttention,
        label: 'Your attention, in TypeScript',
        onCode(found) {
          checked = found;
          session.setCode(found.code, trusted ? found : undefined);
        },
        onErrors: count => fill(state, count === 0 ? '' : `${count} error${count > 1 ? 's' : ''}; the map waits`),
      }),
    );
    editor.catch(error => session.say(`the editor does not load: ${(error as Error).message}`));
    return editor;
  }

  return {
    element: el('section', { attributes: { 'aria-label': 'Your own attention' } }, details),
    update(shown) {
      if (hasOwn(shown) && !editor) details.open = true;
      use.hidden = hasOwn(shown);
      use.disabled = !shown.picture;
      const { codeFailure } = shown;
      if (!codeFailure || failed === codeFailure) return;
      failed = codeFailure;
      void editor?.then(one => one.showFailure(codeFailure));
    },
  };
}
