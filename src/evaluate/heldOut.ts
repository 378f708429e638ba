import { InputError } from '../errors.js';

/** Scenes to evaluate on. */
export interface SceneSet {
  /** Default `heldOutSeed`. */
  readonly seed?: number;
  readonly count: number;
}

/** The seed of scenes that no training of this project draws: training takes seeds below 2^40. */
export const heldOutSeed = 2 ** 40;

/** The seed of scenes to watch a training by, so that what is chosen by them is judged on others. */
export const validationSeed = heldOutSeed + 1;

/** The set with its default filled in. @throws InputError for no scenes */
export function sceneSet({ seed = heldOutSeed, count }: SceneSet): Required<SceneSet> {
  if (!(Number.isInteger(count) && count > 0))
    throw new InputError(`evaluate: expected scenes to look at, got ${count}`);
  return { seed, count };
}
