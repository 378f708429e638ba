/** In the place of `allGradients.ts`: bundlers load these modules as they are. */
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
// What some gradients call as methods of tensors.
import '@tensorflow/tfjs-core/dist/public/chained_ops/reshape.js';
import '@tensorflow/tfjs-core/dist/public/chained_ops/slice.js';
import '@tensorflow/tfjs-core/dist/public/chained_ops/split.js';

/** They were registered when the page's script was loaded. */
export function registerAllGradients(): void {}
