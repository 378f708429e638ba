/** The worker that TypeScript runs in. */

import types from 'virtual:editor-types';
import typescript from '@ts-morph/common/dist/typescript.js';
import type { Answer, Question } from './checker.js';
import { openLanguage } from './language.js';

declare const self: {
  onmessage: (event: { data: Question }) => void;
  postMessage(answer: Answer): void;
};

const { check, complete, describe } = openLanguage(typescript, types);

self.onmessage = ({ data }) => {
  if (data.task === 'check') self.postMessage({ checked: check(data.code) });
  else if (data.task === 'complete') self.postMessage({ completions: complete(data.code, data.position) });
  else self.postMessage({ hint: describe(data.code, data.position) });
};
