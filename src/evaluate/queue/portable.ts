import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { EvaluationPlan } from '../plan.js';

/** A plan that depends neither on the folder in which this process was started nor on the cores of this machine. */
export function portable({ threads: _, ...plan }: EvaluationPlan): EvaluationPlan {
  const { dataset, model, classesFile, prefixCache } = plan;
  const colon = dataset.indexOf(':') + 1;
  return {
    ...plan,
    // What is no path here, such as the numbers of scenes or a hub's id, is none there.
    dataset: `${dataset.slice(0, colon)}${absolute(dataset.slice(colon))}`,
    model: absolute(model),
    ...(classesFile !== undefined && { classesFile: resolve(classesFile) }),
    ...(prefixCache && { prefixCache: { ...prefixCache, path: resolve(prefixCache.path) } }),
  };
}

const absolute = (path: string): string => (existsSync(path) ? resolve(path) : path);
