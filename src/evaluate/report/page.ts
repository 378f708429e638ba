/** A report as one page that needs nothing else: no request leaves it, and no script but its own runs in it. */
import { createHash } from 'node:crypto';
import { bootstrapDefaults } from '../metrics/bootstrap.js';
import { boundaryRatio } from '../metrics/boundary.js';
import type { EvaluationTable } from '../table.js';
import { html } from './markup.js';
import type { Report } from './report.js';
import { script } from './script.js';
import {
  classesSection,
  constantsSection,
  failuresSection,
  imagesSection,
  normsSection,
  runSection,
  scoresSection,
} from './sections.js';
import { style } from './style.js';

/** A report as the text of an HTML file. */
export function reportHtml({ table, norms = [], images = [] }: Report): string {
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${table.dataset.spec} – clipscope</title>
<style>${{ markup: style }}</style>
</head>
<body>
<header><h1>${table.dataset.spec}</h1><p class="soft">${summaryOf(table)}</p></header>
<main>
${scoresSection(table)}
<p class="soft">${definitions}</p>
${classesSection(table)}
${images.length > 0 ? imagesSection(table, images) : ''}
${norms.length > 0 ? normsSection(norms) : ''}
${constantsSection(table)}
${table.failures.length > 0 ? failuresSection(table) : ''}
${runSection(table)}
</main>
<script>${{ markup: script }}</script>
</body>
</html>
`;
  return page.markup;
}

const summaryOf = ({ images, dataset, methods, plan }: EvaluationTable): string =>
  `${images} images, ${dataset.classes.length} classes, ${methods.length} method${methods.length === 1 ? '' : 's'}, ${plan.model}`;

const { resamples, seed, share } = bootstrapDefaults;

const definitions =
  'In percent. mIoU, mAcc and aAcc are those of mmsegmentation’s IoUMetric, from whole-number counts over all images; classes ' +
  `with nothing to score are left out of means. Boundary IoU: the pixels within ${100 * boundaryRatio} % of the diagonal of where ` +
  `their class ends (Cheng et al., 2021). Intervals: ${100 * share} %, by the percentile bootstrap over images with ${resamples} ` +
  `resamples, seed ${seed}.`;
