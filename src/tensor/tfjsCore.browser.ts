/** In the place of `tfjsCore.cts`: bundlers take the package's own ES modules. */
import * as core from '@tensorflow/tfjs-core';

export default core;
