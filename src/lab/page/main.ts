/** Puts the page together. */
import { InputError } from '../../errors.js';
import { type Offer, offerPath } from '../offer.js';
import { connect, type Port } from './engine/client.js';
import { lendSandbox } from './sandbox/host.js';
import { openSession } from './session.js';
import { hashOf, type LabState, stateFromHash } from './state.js';
import { codeView } from './ui/codeView.js';
import { el } from './ui/dom.js';
import { headerView, type View } from './ui/header.js';
import { panelsView } from './ui/panelsView.js';
import { patchView } from './ui/patchView.js';
import { pictureView } from './ui/pictureView.js';
import { vocabularyView } from './ui/vocabularyView.js';

const firstPanels: LabState['panels'] = [{ method: 'clip' }, { method: 'sclip' }, { method: 'clearclip' }];
const addressMs = 300;

/** The state that the address brought, or why it brought none. */
function fromAddress(): { state?: LabState | undefined; refusal?: string } {
  try {
    return { state: stateFromHash(location.hash) };
  } catch (error) {
    if (error instanceof InputError) return { refusal: error.message };
    throw error;
  }
}

async function start(): Promise<void> {
  const response = await fetch(offerPath);
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  const offer = (await response.json()) as Offer;
  const { state, refusal } = fromAddress();
  const asked = offer.examples.find(({ name }) => name === state?.picture);
  const first = asked ?? offer.examples[0];
  const begin: LabState = state ?? { classes: first?.classes ?? '', panels: firstPanels };

  const worker = new Worker(new URL('./engine/worker.js', import.meta.url), { type: 'module', name: 'engine' });
  lendSandbox(worker);
  let views: View[] = [];
  let written: ReturnType<typeof setTimeout> | undefined;
  const session = openSession(connect(worker as Port), offer, begin, () => {
    for (const { update } of views) update(session.shown);
    clearTimeout(written);
    if (!session.shown.picture) return;
    written = setTimeout(() => history.replaceState(null, '', `#${hashOf(session.state())}`), addressMs);
  });

  const picture = pictureView(session);
  const [header, vocabulary, panels] = [headerView(session), vocabularyView(session), panelsView(session)];
  const patch = patchView(picture.showAttention);
  const code = codeView(session, begin.code !== undefined);
  views = [header, picture, vocabulary, panels, patch, code];
  document.body.append(
    header.element,
    el(
      'main',
      {},
      el('div', 'side', picture.element, vocabulary.element),
      el('div', 'work', panels.element, patch.element, code.element),
    ),
  );
  for (const { update } of views) update(session.shown);

  // The address was written by somebody else meanwhile: begin anew with it.
  addEventListener('hashchange', () => location.reload());
  await session.loadModel();
  if (first && session.shown.model) await session.openExample(state ? { ...first, classes: begin.classes } : first);
  const missing = state?.picture !== undefined && !asked && `address: there is no example ${state.picture}`;
  if (refusal || missing) session.say(refusal || missing || undefined);
}

start().catch(error => {
  document.body.append(
    el('p', { class: 'notice', attributes: { role: 'alert' } }, `the lab does not start: ${String(error)}`),
  );
});
