/** SCLIP's evaluation from files to counts: against PyTorch, in eight bits, and stage by stage. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describeModel } from '../../checkpoint/loadClip.js';
import { encodeTexts } from '../../evaluate/methods/encodeTexts.js';
import { groupMethods } from '../../evaluate/methods/groups.js';
import type { EvaluationPlan } from '../../evaluate/plan.js';
import { openPlan } from '../../evaluate/run/openPlan.js';
import { pixelScale } from '../../segment/input.js';
import { against, type Bench, isAbsent, ours, race } from '../bench.js';
import type { Timing } from '../interleave.js';
import type { Absent } from '../lane.js';
import { type MadeUpFiles, writeMadeUp } from '../madeUpDataset.js';
import { randomVitB16 } from '../randomModel.js';
import { type Row, timed } from '../report.js';
import { median, medianRatio, relativeDifference, sameShare } from '../statistics.js';
import { type Stage, stages } from '../tasks/evaluateStage.js';

const row = 'evaluate/sclip';
const s8Row = `${row}/s8`;
const publishedRow = 'pipeline/sclip';
const stageRow = (stage: Stage) => `${row}/${stage}`;

export const rows = [row, s8Row, ...stages.map(stageRow), publishedRow];

const [images, width, height] = [4, 500, 375];
const pixels = images * width * height;
/** Labels may differ where two classes are as good as equal. */
const leastAgreement = 0.999;

export async function run(bench: Bench): Promise<void> {
  const files = await writeMadeUp(join(bench.folder, 'voc'), { kind: 'voc21', images, width, height });
  const wantsPlain = [row, s8Row].some(bench.wants);
  if (wantsPlain || stages.some(stage => bench.wants(stageRow(stage)))) {
    const plan = sclipPlan(bench, files.spec);
    if (wantsPlain) await endToEnd(bench, plan, files);
    for (const stage of stages) if (bench.wants(stageRow(stage))) await alone(bench, plan, stage);
  }
  if (bench.wants(publishedRow)) await published(bench, files);
}

/** SCLIP as published for the data set, on the bench's model, or where that has no text tower on one that has. */
export function sclipPlan({ model, threads }: Bench, dataset: string): EvaluationPlan {
  const { config } = describeModel(model);
  return {
    dataset,
    model: config.text ? model : randomVitB16(),
    // Weights without meaning are sure of nothing: with the published threshold all pixels would be background.
    methods: [{ label: 'sclip', method: 'sclip', protocol: { probThreshold: 0 } }],
    engine: 'ort',
    threads,
    shardSize: images,
  };
}

async function endToEnd(bench: Bench, plan: EvaluationPlan, files: MadeUpFiles): Promise<void> {
  const given = await peerGiven(bench, plan, files);
  const timings = await race<'ours' | 's8' | 'pytorch'>(bench, {
    ours: ours({ task: 'evaluate', plan, looks: true }),
    s8: bench.wants(s8Row) ? ours({ task: 'evaluate', plan: { ...plan, quantize: 's8' }, looks: true }) : unasked,
    pytorch: against(bench, ({ python }) => python('pytorch_sclip.py', given)),
  });
  const { ours: mine, s8, pytorch } = timings as typeof timings & { ours: Timing };
  if (bench.wants(row)) bench.add(held(row, mine, pytorch, 1 / 1.5));
  if (isAbsent(s8)) return;
  const measured = held(s8Row, s8, pytorch, 1 / 2, 0);
  const agreement = sameShare(s8.output, mine.output, 0, pixels);
  bench.add({ ...measured, agreement, note: `labels as in float; ${measured.note}` });
}

const unasked: Absent = { reason: 'not asked for' };

/** What the script in plain PyTorch needs to do as the plan says. */
async function peerGiven(bench: Bench, plan: EvaluationPlan, { images, classes }: MadeUpFiles): Promise<object> {
  const open = await openPlan(plan);
  const [{ protocol, vocabulary }] = open.methods as [(typeof open.methods)[number]];
  const [features] = await encodeTexts(groupMethods(open.methods, open.model), open);
  const texts = join(bench.folder, 'texts');
  writeFileSync(texts, features!.values);
  return {
    model: open.model.files.folder,
    images,
    classes,
    texts,
    embedding: features!.width,
    classOfQuery: [...vocabulary.classOfQuery],
    protocol,
    pixels: pixelScale(protocol, open.model.preprocessor),
    threads: bench.threads,
  };
}

/** Ours against a peer whose labels are the same but for `1 - least` of all pixels; figures are of one image. */
export function held(name: string, mine: Timing, theirs: Timing | Absent, asked: number, least = leastAgreement): Row {
  const both = [mine, theirs].filter(timing => !isAbsent(timing)) as Timing[];
  const speeds = both.map(({ cpu }) => ((1000 * images) / median(cpu)).toFixed(2));
  const measured = { ...timed(name, perImage(mine)), asked, rate: `${speeds.join(' against ')} images/s` };
  if (isAbsent(theirs)) return { ...measured, peer: 'pytorch', skipped: theirs.reason };
  const agreement = sameShare(mine.output, theirs.output, 0, pixels);
  const difference = relativeDifference(mine.output.subarray(pixels), theirs.output.subarray(pixels));
  const compared = { ...measured, peer: 'pytorch', agreement, difference };
  if (!(agreement >= least)) return { ...compared, skipped: 'the labels are not the same' };
  return { ...compared, ratio: medianRatio(mine.cpu, theirs.cpu) };
}

const perImage = ({ cpu, wall, output }: Timing): Timing => ({
  cpu: cpu.map(time => time / images),
  wall: wall.map(time => time / images),
  output,
});

async function alone(bench: Bench, plan: EvaluationPlan, stage: Stage): Promise<void> {
  const { mine } = await race(bench, { mine: ours({ task: 'evaluateStage', plan, stage }) });
  bench.add(timed(stageRow(stage), perImage(mine as Timing)));
}

/** The environment's name for a checkout of the published code. */
const checkoutName = 'CLIPSCOPE_SCLIP';

/** SCLIP's own code on random weights in the form that it reads, whatever the bench's model. */
async function published(bench: Bench, files: MadeUpFiles): Promise<void> {
  const checkout = process.env[checkoutName];
  const peer = "SCLIP's own code";
  if (!bench.peers || !checkout) {
    const skipped = bench.peers ? `$${checkoutName} names no checkout of wangf3014/SCLIP` : 'without --peers';
    bench.add({ name: publishedRow, peer, skipped });
    return;
  }
  const plan = sclipPlan({ ...bench, model: randomVitB16() }, files.spec);
  const given = {
    ...(await peerGiven(bench, plan, files)),
    checkout: resolve(checkout),
    weights: randomVitB16({ layout: 'openai' }),
  };
  const timings = await race(bench, {
    ours: ours({ task: 'evaluate', plan, looks: true }),
    published: bench.peers.python('published_sclip.py', given),
  });
  bench.add({ ...held(publishedRow, timings.ours as Timing, timings.published, 1 / 1.5), peer });
}
