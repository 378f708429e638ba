/** In the place of `tfjsWasm.cts`: bundlers take the package's own ES modules. */
import * as wasm from '@tensorflow/tfjs-backend-wasm';

export default wasm;
