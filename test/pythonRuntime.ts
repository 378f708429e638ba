/** Python's onnxruntime, which knows nothing of this project, where there is a Python that has it. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { safetensorsBytes, type TensorToWrite } from '../src/files/safetensors/write.js';
import { readGolden } from './goldens.js';

const python = process.env.CLIPSCOPE_PYTHON;

/** For `before`: skips what needs Python where there is none. */
export function needsPython(this: Mocha.Context): void {
  if (python) return;
  console.log('      skipped: CLIPSCOPE_PYTHON names no Python with onnx, onnxruntime and numpy');
  this.skip();
}

// Safetensors by hand: numpy is all that it takes.
const script = `
import json, sys
import numpy as np, onnx, onnxruntime
model, given, made = sys.argv[1:]
onnx.checker.check_model(model, full_check=True)
raw = open(given, 'rb').read()
head = 8 + int.from_bytes(raw[:8], 'little')
types = {'F32': np.float32, 'I32': np.int32}
feeds = {}
for name, info in json.loads(raw[8:head]).items():
    if name != '__metadata__':
        begin, end = info['data_offsets']
        feeds[name] = np.frombuffer(raw[head + begin:head + end], types[info['dtype']]).reshape(info['shape'])
session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])
names = [output.name for output in session.get_outputs()]
header, body = {}, b''
for name, value in zip(names, session.run(names, feeds)):
    data = value.astype(np.float32).tobytes()
    header[name] = {'dtype': 'F32', 'shape': list(value.shape), 'data_offsets': [len(body), len(body) + len(data)]}
    body += data
text = json.dumps(header).encode()
open(made, 'wb').write(len(text).to_bytes(8, 'little') + text + body)
`;

/**
 * What Python makes of a model, by output, after `onnx.checker` has passed it.
 * @param folder for what goes there and back
 */
export function inPython(
  folder: string,
  model: string,
  inputs: Readonly<Record<string, TensorToWrite>>,
): Record<string, { shape: readonly number[]; data: Float32Array }> {
  const [given, made] = [join(folder, 'given.safetensors'), join(folder, 'made.safetensors')];
  writeFileSync(given, safetensorsBytes(new Map(Object.entries(inputs))));
  execFileSync(python!, ['-c', script, model, given, made], { encoding: 'utf8', stdio: 'pipe' });
  return readGolden(made) as Record<string, { shape: readonly number[]; data: Float32Array }>;
}
