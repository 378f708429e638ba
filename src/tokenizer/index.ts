export { cleanText } from './clean.js';
export { fixText } from './ftfy/fixText.js';
export { createTokenizer, type EncodeOptions, type Tokenizer, type TokenizerOptions } from './tokenizer.js';
