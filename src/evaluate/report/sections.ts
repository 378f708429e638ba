/** The parts of the page. */
import type { EvaluationTable, Score } from '../table.js';
import { bar, intervalScale } from './charts.js';
import { html, type Markup, nothing, type Part } from './markup.js';
import type { SettingNorms } from './norms.js';
import { percent, provenanceOf, settingsOf } from './report.js';
import type { ReportImage } from './reportImage.js';

const name = (text: string): Markup => html`<span class="name">${text}</span>`;

const heading = (text: Part, number = true): Markup =>
  html`<th scope="col" class="${number ? 'number' : ''}"><button type="button">${text}</button></th>`;

/** The row's heading, sorted by its text. */
const rowHeading = (text: string): Markup => html`<th scope="row" data-value="${text}">${name(text)}</th>`;

/** A score, marked where it is the best of those it stands beside. */
const scoreCell = (score: Score, best: Score): Markup =>
  html`<td class="number${isBest(score, best)}" data-value="${score ?? ''}">${percent(score)}</td>`;

const isBest = (score: Score, best: Score): string => (score !== null && score === best ? ' best' : '');

function bestOf(scores: readonly Score[]): Score {
  const known = scores.filter(score => score !== null);
  return known.length > 1 ? Math.max(...known) : null;
}

const scoreColumns = ['mIoU', 'mAcc', 'aAcc', 'boundaryIoU'] as const;

/** Every method's scores, with the interval of the first. */
export function scoresSection({ methods }: EvaluationTable): Markup {
  const scale = intervalScale(methods.flatMap(({ mIoU, interval }) => [mIoU, ...interval]));
  const best = Object.fromEntries(scoreColumns.map(column => [column, bestOf(methods.map(row => row[column]))]));
  return html`<section><h2>Scores</h2><div class="scroll" tabindex="0"><table class="sortable" id="scores">
<thead><tr>${heading('method', false)}${heading('mIoU')}<th scope="col" class="interval">95 % interval of mIoU${scale.axis}</th>${heading('mAcc')}${heading('aAcc')}${heading('boundary IoU')}</tr></thead>
<tbody>${methods.map(method => {
    const [low, high] = method.interval;
    const cells = scoreColumns.map(column => scoreCell(method[column], best[column]!));
    const interval = html`<td class="interval">${scale.draw(method.mIoU, method.interval)} ${percent(low)} to ${percent(high)}</td>`;
    return html`<tr>${rowHeading(method.name)}${cells[0]!}${interval}${cells.slice(1)}</tr>`;
  })}</tbody></table></div></section>`;
}

/** IoU of every class by every method. */
export function classesSection({ dataset, methods }: EvaluationTable): Markup {
  const rows = dataset.classes.map((label, c) => {
    const scores = methods.map(({ perClass }) => perClass[c]!);
    const best = bestOf(scores.map(({ iou }) => iou));
    const cells = scores.map(
      ({ iou, accuracy, boundaryIoU }) =>
        html`<td class="number barred${isBest(iou, best)}" data-value="${iou ?? ''}" title="accuracy ${percent(accuracy)}, boundary IoU ${percent(boundaryIoU)}">${bar(iou)}<span>${percent(iou)}</span></td>`,
    );
    return html`<tr>${rowHeading(label)}${cells}</tr>`;
  });
  return html`<section><h2>IoU per class</h2><div class="scroll tall" tabindex="0"><table class="sortable" id="classes">
<thead><tr>${heading('class', false)}${methods.map(method => heading(name(method.name)))}</tr></thead>
<tbody>${rows}</tbody></table></div></section>`;
}

const list = (entries: readonly (readonly [string, Markup])[]): Markup =>
  html`<dl>${entries.map(([key, value]) => html`<dt>${key}</dt><dd>${value}</dd>`)}</dl>`;

/** A name that may go on in another line after each dot. */
const dotted = (text: string): Markup[] =>
  text.split(/(?<=\.)/).map((part, i) => html`${i === 0 ? nothing : html`<wbr>`}${part}`);

/** A constant; a long one folded up. */
const constant = (value: string): Markup =>
  value.length <= 100
    ? html`<code class="${value.length > 24 ? 'wide' : ''}">${value}</code>`
    : html`<details><summary><code>${value.slice(0, 60)}…</code></summary><code>${value}</code></details>`;

/** Every constant: those in which methods differ as a table, the others once. */
export function constantsSection(table: EvaluationTable): Markup {
  const settings = settingsOf(table);
  const isShared = ({ values }: { values: readonly string[] }) => new Set(values).size === 1;
  const [shared, apart] = [settings.filter(isShared), settings.filter(setting => !isShared(setting))];
  const rows = table.methods.map(
    (method, m) =>
      html`<tr>${rowHeading(method.name)}${apart.map(({ values }) => html`<td data-value="${values[m]!}">${constant(values[m]!)}</td>`)}</tr>`,
  );
  const differing = html`<p>In these the methods differ:</p><div class="scroll" tabindex="0"><table class="sortable" id="constants">
<thead><tr>${heading('method', false)}${apart.map(setting => heading(dotted(setting.name), false))}</tr></thead><tbody>${rows}</tbody></table></div>
<p>These are the same for all:</p>`;
  return html`<section><h2>Constants</h2>${apart.length > 0 ? differing : nothing}
${list(shared.map(setting => [setting.name, constant(setting.values[0]!)]))}</section>`;
}

/** What the last block of each method adds up. */
export function normsSection(norms: readonly SettingNorms[]): Markup {
  const most = Math.max(...norms.flatMap(({ residual, attention }) => [residual, attention]));
  const cell = (length: number) =>
    html`<td class="number barred" data-value="${length}">${bar(length / most)}<span>${length.toFixed(2)}</span></td>`;
  return html`<section><h2>Norms</h2>
<p class="soft">Mean length of the patches' vectors in the last block: of what enters it, and of what its attention makes.</p>
<div class="scroll" tabindex="0"><table class="sortable" id="norms">
<thead><tr>${heading('method', false)}${heading('residual')}${heading('attention')}</tr></thead>
<tbody>${norms.map(({ name: method, residual, attention }) => html`<tr>${rowHeading(method)}${cell(residual)}${cell(attention)}</tr>`)}</tbody></table></div></section>`;
}

const reasons = { best: 'among the best', worst: 'among the worst', differ: 'methods differ most' } as const;

/** Images that stand out, with labels over them. */
export function imagesSection({ dataset, methods }: EvaluationTable, images: readonly ReportImage[]): Markup {
  return html`<section><h2>Images</h2>
<p class="soft">With each method's mIoU on the image alone, over the classes that are in it or were predicted.</p>
<label class="slider">Labels over photos <input type="range" id="cover" min="0" max="100" value="60"></label>
${images.map(image =>
  imageCard(
    image,
    dataset.classes,
    methods.map(method => method.name),
  ),
)}</section>`;
}

function imageCard(image: ReportImage, classes: readonly string[], methods: readonly string[]): Markup {
  const ratio = `aspect-ratio: ${image.width} / ${image.height}`;
  const panel = (caption: Markup, picture: string, alternative: string) =>
    html`<figure><div class="panel" style="${ratio}"><img src="${picture}" alt="${alternative}"></div><figcaption>${caption}</figcaption></figure>`;
  const predictions = methods.map((method, m) =>
    panel(html`${name(method)} ${percent(image.scores[m]!)}`, image.predictions[m]!, `classes by ${method}`),
  );
  return html`<article><h3>${name(image.id)}<span class="why">${reasons[image.why]}</span></h3>
<div class="panels" style="--photo: url(${image.photo})">
<figure><div class="panel" role="img" aria-label="photo" style="${ratio}"></div><figcaption>photo</figcaption></figure>
${panel(html`truth`, image.truth, 'true classes')}${predictions}</div>
<ul class="legend">${image.legend.map(
    ({ label, colour }) =>
      html`<li><span class="swatch" style="background: ${colour}"></span>${name(classes[label]!)}</li>`,
  )}</ul></article>`;
}

/** Failures that are listed; more are only counted. */
const listedFailures = 200;

/** Images that could not be evaluated, and why. */
export function failuresSection({ failures }: EvaluationTable): Markup {
  const more = failures.length - listedFailures;
  const rows = failures.slice(0, listedFailures).map(({ id, failure }) => [id, name(failure)] as const);
  return html`<section><h2>Images that do not count: ${failures.length}</h2>${list(rows)}${more > 0 ? html`<p>and ${more} more</p>` : nothing}</section>`;
}

/** What the run was of. */
export function runSection(table: EvaluationTable): Markup {
  return html`<section><h2>Run</h2>${list(provenanceOf(table).map(([key, value]) => [key, html`<code>${value}</code>`]))}</section>`;
}
