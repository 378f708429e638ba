/** What decides an evaluation's results, as hashes that are equal wherever the same is evaluated. */
import { createHash } from 'node:crypto';
import type { ModelDescription } from '../../checkpoint/loadClip.js';
import { findModel, openWeights } from '../../checkpoint/modelFiles.js';
import { sha256File } from '../../files/hash.js';
import { versionsHere } from '../../train/runFile.js';
import type { Dataset } from '../datasets/dataset.js';
import type { EvaluationPlan, PlanIdentity } from '../plan.js';

/**
 * The part of a plan that decides results: no paths, since files may lie elsewhere on another machine, and nothing of
 * how many threads there are.
 */
export function decisive(plan: EvaluationPlan): object {
  const { methods, engine, activation, quantize, limit, shardSize, prefixCache } = plan;
  return {
    methods: methods.map(({ module, ...rest }) => ({ ...rest, ...(module && { module: module.sha256 }) })),
    engine,
    activation: activation ?? 'by the model',
    quantize: quantize ?? 'off',
    limit: limit ?? 'none',
    shardSize,
    // Kept values are rounded to sixteen bits.
    prefixCache: prefixCache !== undefined,
  };
}

/** @throws InputError when the weights cannot be read */
export async function identityOf(
  plan: EvaluationPlan,
  model: ModelDescription,
  dataset: Dataset,
): Promise<PlanIdentity> {
  const { clipscope, onnxruntime } = versionsHere();
  const version = plan.engine === 'ort' ? `${clipscope} with ONNX Runtime ${onnxruntime}` : clipscope;
  const parts = { version, weights: await hashOfModel(model), dataset: dataset.fingerprint };
  return { hash: sha256(JSON.stringify([decisive(plan), parts])), ...parts };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Of the weights' files and of what lies beside them. */
async function hashOfModel({ files, config, preprocessor, settings }: ModelDescription): Promise<string> {
  const path = files.weights ?? findModel(files.folder).weights!;
  const weights = openWeights(path);
  const paths = [...weights.tensors.keys()].map(name => weights.location?.(name)?.path ?? path);
  weights.close();
  const hashes: string[] = [];
  for (const file of new Set(paths)) hashes.push(await sha256File(file));
  return sha256(JSON.stringify([hashes.sort(), config, preprocessor, settings]));
}
