import { attentions } from '../attention/index.js';
import type { Variant } from '../model/imageTower.js';
import { methodByName } from '../segment/methods.js';

/** Six ways to do the last block, which share all blocks before it. */
export const sixVariants = ['clip', 'maskclip', 'sclip', 'clearclip', 'naclip', 'vv'] as const;

/** A variant by the name of a method or of an attention. */
export const variantNamed = (name: string): Variant =>
  Object.hasOwn(attentions, name) && name !== 'naclip' ? { attention: attentions[name]! } : methodByName(name).variant;
