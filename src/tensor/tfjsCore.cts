// CommonJS, which Node takes as it is. What an ES module imports from a CommonJS one it searches for the names of its
// exports first, and that takes five times as long as loading all of TensorFlow.js.
import core = require('@tensorflow/tfjs-core');
export = core;
