import { basename } from 'node:path';
import { Command } from 'commander';
import { conclude } from '../../analysis/conclude.js';
import { type Measured, measure, studyProtocol } from '../../analysis/measure.js';
import { described, shownTable, writeStudies } from '../../analysis/report.js';
import { type StudyName, studyByName, studyNames } from '../../analysis/studies/index.js';
import { InputError, suggestion } from '../../errors.js';
import type { Dataset } from '../../evaluate/datasets/dataset.js';
import { openDataset } from '../../evaluate/datasets/openDataset.js';
import { makeFolder } from '../../files/folder.js';
import { quoted } from '../../files/quote.js';
import { promptsFor } from '../../segment/segmenter.js';
import { type CommonFlags, wholeNumber, withModel } from '../flags.js';
import { modelFrom, withClip } from '../model.js';
import { print, warn, withProgress } from '../output.js';
import { fulfilTexts, requestTexts, towersFor } from '../texts.js';

interface Flags extends Omit<CommonFlags, 'model'> {
  model: string | string[];
  dataset?: string;
  classesFile?: string;
  limit?: number;
  output?: string;
}

export function command(description: string): Command {
  const analyze = withModel(new Command('analyze'))
    .description(description)
    .argument('<studies...>', `${studyNames.join(', ')}; or all`)
    .option('--dataset <kind:path>', 'labelled images, as evaluate takes them; or scenes:n=N')
    .option('--classes-file <file>', "class names to ask for in place of the data set's, one class a line")
    .option('--limit <n>', 'only the first n images', wholeNumber(1))
    .option('-o, --output <dir>', 'folder for report.md, tables (JSON), plots (SVG and PNG) and pictures')
    .addHelpText(
      'after',
      "\nSeveral --model are measured one after the other and shown side by side. Protocol: ClearCLIP's.",
    )
    .action(runAnalyze);
  const model = analyze.options.find(({ long }) => long === '--model')!;
  model.argParser((text: string, before: Flags['model']) => (Array.isArray(before) ? [...before, text] : [text]));
  return analyze;
}

async function runAnalyze(words: readonly string[], flags: Flags): Promise<void> {
  const names = studiesFrom(words);
  const { dataset: spec, output, quiet, classesFile } = flags;
  if (spec === undefined) throw new InputError('analyze: expected a data set, --dataset KIND:PATH');
  const dataset = await openDataset(spec, { classesFile, warn: quiet ? undefined : warn });
  if (dataset.ids.length === 0) throw new InputError(`${spec}: expected labelled images there, found none`);
  const models = modelsFrom(flags);
  for (const { flags: own, name } of models) {
    const model = modelFrom(own);
    if (!model.config.image) throw new InputError(`analyze: model ${quoted(name)} has no image tower to look into`);
    await studyProtocol(dataset, model);
  }
  if (output !== undefined) makeFolder(output);
  const measured: Measured[] = [];
  for (const model of models) measured.push(await measureOne(model, dataset, names, flags));
  const conclusions = names.map(name => conclude(studyByName(name), measured));
  if (output !== undefined) await writeStudies(output, conclusions, measured);
  const studies = conclusions.map(({ study, title, paragraph, tables }) => ({ study, title, paragraph, tables }));
  print(flags, { models: measured.map(described), studies }, () =>
    studies.flatMap(({ title, tables, paragraph }) => [
      title,
      ...Object.entries(tables).flatMap(([list, rows]) => ['', `${list}:`, ...aligned(rows)]),
      '',
      paragraph,
      '',
    ]),
  );
}

/** @throws InputError for an unknown or repeated study, with the nearest */
function studiesFrom(words: readonly string[]): StudyName[] {
  if (words.includes('all')) {
    if (words.length === 1) return studyNames;
    throw new InputError("analyze: 'all' stands alone; it is every study");
  }
  return words.map((word, i) => {
    if (words.indexOf(word) !== i) throw new InputError(`analyze: the study ${quoted(word)} is there twice`);
    const known = studyNames.find(name => name === word);
    if (known) return known;
    throw new InputError(`analyze: no study is called ${quoted(word)}${suggestion(word, [...studyNames, 'all'])}`);
  });
}

interface NamedModel {
  /** What tables call it. */
  readonly name: string;
  readonly flags: CommonFlags;
}

/** The models, called by the last part of their path, or all of it where that would be two of a name. */
function modelsFrom({ model, ...flags }: Flags): NamedModel[] {
  const paths = Array.isArray(model) ? model : [model];
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) throw new InputError(`analyze: --model ${quoted(twice)} is there twice`);
  const short = paths.map(path => basename(path));
  return paths.map((path, i) => ({
    name: short.filter(name => name === short[i]).length > 1 ? path : short[i]!,
    flags: { ...flags, model: path },
  }));
}

async function measureOne(
  { name, flags }: NamedModel,
  dataset: Dataset,
  names: readonly StudyName[],
  { limit }: Flags,
): Promise<Measured> {
  const model = modelFrom(flags);
  const { vocabulary, protocol } = await studyProtocol(dataset, model);
  const request = await requestTexts(model, vocabulary.queries, promptsFor(model, protocol), flags);
  return withClip(flags, { towers: towersFor(request), runs: dataset.ids.length }, async (clip, runner) => {
    const texts = await fulfilTexts(clip, runner, request, flags);
    return withProgress(`${name}: images`, flags, onImage =>
      measure(clip, dataset, names.map(studyByName), {
        model: name,
        runner,
        texts,
        onImage,
        ...(limit !== undefined && { limit }),
      }),
    );
  });
}

/** Rows of a table in columns. */
function aligned(rows: readonly object[]): string[] {
  const { lines, more } = shownTable(rows);
  if (lines.length === 0) return ['none'];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map(line => line[column]!.length)));
  const text = lines.map(line =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return more > 0 ? [...text, `and ${more} more rows, in --json and -o`] : text;
}
