// CommonJS, because that is how TensorFlow.js' modules without file extensions can be loaded: by the development
// loader as they are, and in the package bundled into this file by the build.
require('@tensorflow/tfjs-core/dist/register_all_gradients');
// What some gradients call as methods of tensors.
require('@tensorflow/tfjs-core/dist/public/chained_ops/reshape');
require('@tensorflow/tfjs-core/dist/public/chained_ops/slice');
require('@tensorflow/tfjs-core/dist/public/chained_ops/split');
