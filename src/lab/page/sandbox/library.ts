/**
 * What a user's attention may import from 'clipscope': the parts that attentions are made of. Each of these names is in
 * the package's own door, so that the same file is a method for the command line.
 */
export type { Attention, AttentionInput, Grid } from '../../../attention/attention.js';
export { type GemOptions, gem } from '../../../attention/gem.js';
export { attentions } from '../../../attention/index.js';
export { gaussianNeighbourhood, type NaclipOptions, naclip } from '../../../attention/naclip.js';
export { mix, scores, softmax } from '../../../attention/parts.js';
export type { Heads, Pattern, Tokens } from '../../../tensor/tfjs.js';
export {
  add,
  concat,
  div,
  gather,
  matMul,
  mean,
  mul,
  reshape,
  scalar,
  slice,
  sub,
  sum,
  tensor,
  tensor4d,
  transpose,
  zeros,
} from '../../../tensor/tfjs.js';
