/** What the tests' page runs: the sandbox and the editor as the lab has them. */
import { openChecker } from '../../../../src/lab/page/editor/checker.js';
import { createEditor, firstAttention } from '../../../../src/lab/page/editor/editor.js';
import { openSandbox } from '../../../../src/lab/page/sandbox/sandbox.js';

Object.assign(globalThis, { createEditor, firstAttention, openChecker, openSandbox });
