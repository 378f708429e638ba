/** What an evaluation found, as the plain data that every report is made from. */
import { scoresOf } from './confusion.js';
import type { Dataset } from './datasets/dataset.js';
import type { MethodRecord } from './methods/resolve.js';
import { percentileInterval, resampledScores } from './metrics/bootstrap.js';
import { confusionOf, meanOf, perClassOf, ratiosOf } from './metrics/ratios.js';
import type { EvaluationPlan, PlanIdentity } from './plan.js';
import type { ImageRecord, ShardResult } from './records.js';

/** A score from 0 to 1; null where there was nothing to score. */
export type Score = number | null;

/** What a method scored on one class. */
export interface TableClass {
  readonly name: string;
  readonly iou: Score;
  readonly accuracy: Score;
  readonly boundaryIoU: Score;
}

/** A row of the table. */
export interface TableMethod {
  readonly name: string;
  readonly mIoU: Score;
  readonly mAcc: Score;
  readonly aAcc: Score;
  readonly boundaryIoU: Score;
  /** Where mIoU lies with 95 % confidence, by the bootstrap over images. */
  readonly interval: readonly [low: Score, high: Score];
  readonly perClass: readonly TableClass[];
  /** Every constant it ran with. */
  readonly record: MethodRecord;
}

/** Programs that results may depend on. */
export interface Versions {
  readonly clipscope: string;
  readonly node: string;
  readonly onnxruntime: string;
}

/** One evaluation. */
export interface EvaluationTable {
  readonly dataset: Pick<Dataset, 'spec' | 'kind' | 'classes'>;
  /** That count in the scores. */
  readonly images: number;
  /** Images that do not, and why. */
  readonly failures: readonly { readonly id: string; readonly failure: string }[];
  readonly methods: readonly TableMethod[];
  readonly plan: Pick<EvaluationPlan, 'model' | 'engine' | 'quantize' | 'limit' | 'prefixCache'>;
  readonly identity: PlanIdentity;
  readonly versions: Versions;
}

/** What a table is made from. */
export interface TableInput {
  readonly plan: EvaluationPlan;
  readonly dataset: Dataset;
  readonly identity: PlanIdentity;
  readonly versions: Versions;
  /** In the plan's order. */
  readonly methods: readonly { readonly name: string; readonly record: MethodRecord }[];
}

/** The table of finished shards, whatever their order: the same to the last digit for the same counts. */
export function tableOf(input: TableInput, results: readonly ShardResult[]): EvaluationTable {
  const { plan, dataset, identity, versions } = input;
  const records = [...results].sort((a, b) => a.shard - b.shard).flatMap(({ images }) => images);
  const { model, engine, quantize, limit, prefixCache } = plan;
  return {
    dataset: { spec: dataset.spec, kind: dataset.kind, classes: dataset.classes },
    images: records.filter(({ failure }) => failure === undefined).length,
    failures: records.flatMap(({ id, failure }) => (failure === undefined ? [] : [{ id, failure }])),
    methods: input.methods.map(({ name, record }, m) => rowOf(name, record, records, m, dataset.classes)),
    plan: {
      model,
      engine,
      ...(quantize !== undefined && { quantize }),
      ...(limit !== undefined && { limit }),
      ...(prefixCache !== undefined && { prefixCache }),
    },
    identity,
    versions,
  };
}

function rowOf(
  name: string,
  record: MethodRecord,
  records: readonly ImageRecord[],
  method: number,
  classes: readonly string[],
): TableMethod {
  const { mIoU, mAcc, aAcc, perClass } = scoresOf(confusionOf(records, method, classes.length));
  const boundaries = perClassOf(ratiosOf(records, method, classes.length, 'boundaryIoU'));
  const draws = resampledScores(ratiosOf(records, method, classes.length, 'mIoU'));
  const { low, high } = percentileInterval(draws);
  return {
    name,
    mIoU: scoreOf(mIoU),
    mAcc: scoreOf(mAcc),
    aAcc: scoreOf(aAcc),
    boundaryIoU: scoreOf(meanOf(boundaries)),
    interval: [scoreOf(low), scoreOf(high)],
    perClass: perClass.map(({ iou, accuracy }, c) => ({
      name: classes[c]!,
      iou: scoreOf(iou),
      accuracy: scoreOf(accuracy),
      boundaryIoU: scoreOf(boundaries[c]!),
    })),
    record,
  };
}

const scoreOf = (value: number): Score => (Number.isNaN(value) ? null : value);
