/** What studies found on one model or several, side by side. */
import type { TopLevelSpec } from 'vega-lite';
import { InputError } from '../errors.js';
import type { Measured } from './measure.js';
import type { OfModels, Study, Tables } from './study.js';

/** A study's lists, plot and words. */
export interface Conclusion<T extends Tables = Tables> {
  readonly study: string;
  readonly title: string;
  /** Rows of all models, each with its model's name. */
  readonly tables: OfModels<T>;
  /** The plot as a Vega-Lite specification, its data inside; `drawPlot` makes pictures of it. */
  readonly plot: TopLevelSpec;
  /** What the numbers show, and what they were measured on. */
  readonly paragraph: string;
}

/**
 * Puts what several models showed into one table, one plot and one paragraph.
 * @throws InputError for no models, a name that comes twice, or a model that was measured without this study
 */
export function conclude<T extends Tables>(study: Study<T>, measured: readonly Measured[]): Conclusion<T> {
  if (measured.length === 0)
    throw new InputError(`${study.name}: expected at least one model that was measured, got none`);
  const names = measured.map(({ model }) => model);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InputError(`${study.name}: two models are called '${twice}'`);
  const all = measured.map(({ model, tables }) => {
    const own = tables[study.name];
    if (!own) throw new InputError(`${study.name}: '${model}' was measured without this study`);
    return { model, own };
  });
  const lists = Object.keys(all[0]!.own).map(list => [
    list,
    all.flatMap(({ model, own }) => own[list]!.map(row => ({ model, ...row }))),
  ]);
  const tables = Object.fromEntries(lists) as OfModels<T>;
  const { dataset, images, protocol } = measured[0]!;
  const { window, stride, source } = protocol.protocol;
  const windows = measured.map(one => one.windows).join(' and ');
  const on = `(${dataset}: ${images} images, ${windows} windows of ${window} pixels at stride ${stride} by the protocol of ${source}.)`;
  return {
    study: study.name,
    title: study.title,
    tables,
    plot: study.plot(tables),
    paragraph: `${study.paragraph(tables)} ${on}`,
  };
}
