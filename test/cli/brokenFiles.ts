/** Inputs that are broken in one way each. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { encodePicture } from '../../src/image/encode.js';
import { rgbPicture } from '../../src/image/picture.js';
import { embedded, scene } from './run.js';

/** A safetensors file of one tensor of bytes as given. */
function tensorFile(name: string, dtype: string, shape: readonly number[], data: Uint8Array): Buffer {
  const header = Buffer.from(JSON.stringify({ [name]: { dtype, shape, data_offsets: [0, data.length] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
}

const floats = (count: number, value = 0.5) => new Uint8Array(new Float32Array(count).fill(value).buffer);

/** `good.png` with a header that says another size; the checksum is right. */
function withSize(png: Buffer, width: number, height: number): Buffer {
  const out = Buffer.from(png);
  out.writeUInt32BE(width, 16);
  out.writeUInt32BE(height, 20);
  out.writeUInt32BE(crc(out.subarray(12, 29)), 29);
  return out;
}

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}

/** Pictures and pixel files; `good.png` and `good.safetensors` are sound. */
export async function writePictures(dir: string): Promise<void> {
  const write = (name: string, bytes: Uint8Array | string) => writeFileSync(join(dir, name), bytes);
  const good = readFileSync(scene(1));
  write('good.png', good);
  write('empty.png', '');
  write('text.png', 'no picture at all');
  write('cut.png', good.subarray(0, good.length / 2));
  write('vector.png', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  write('vector.svg', '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>');
  write(
    'cut.jpg',
    (await encodePicture(rgbPicture(64, 64, new Uint8Array(3 * 64 * 64).fill(90)), '.jpg')).subarray(0, 99),
  );
  write('huge.png', withSize(good, 60_000, 60_000));
  write('none.png', withSize(good, 0, 96));
  mkdirSync(join(dir, 'folder.png'));
  mkdirSync(join(dir, 'sub'));
  copyFileSync(join(dir, 'good.png'), join(dir, 'sub', 'good.png'));

  const sound = tensorFile('pixels', 'F32', [1, 3, 24, 24], floats(3 * 24 * 24));
  write('good.safetensors', sound);
  write('cut.safetensors', sound.subarray(0, -4));
  write('bytes.safetensors', tensorFile('pixels', 'U8', [1, 3, 24, 24], new Uint8Array(3 * 24 * 24)));
  write('flat.safetensors', tensorFile('pixels', 'F32', [3, 24, 24], floats(3 * 24 * 24)));
  write('grey.safetensors', tensorFile('pixels', 'F32', [1, 1, 24, 24], floats(24 * 24)));
  write('none.safetensors', tensorFile('pixels', 'F32', [0, 3, 24, 24], floats(0)));
  write('nan.safetensors', tensorFile('pixels', 'F32', [1, 3, 24, 24], floats(3 * 24 * 24, Number.NaN)));
  write('small.safetensors', tensorFile('pixels', 'F32', [1, 3, 8, 24], floats(3 * 8 * 24)));
  write('two.safetensors', tensorFile('pixels', 'F32', [2, 3, 24, 24], floats(2 * 3 * 24 * 24)));
  write('other.safetensors', tensorFile('ima\u001b[31mge', 'F32', [1], floats(1)));
  write('lie.safetensors', tensorFile('pixels', 'F32', [60_000, 3, 60_000, 60_000], floats(1)));
}

/** A pickle that would run a command, in PyTorch's zip archive. */
function hostilePickle(command: string): Buffer {
  const name = (text: string) => [Buffer.from(text), Buffer.from('\n')];
  const text = Buffer.from(command);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  // PROTO 2, GLOBAL os.system, (text,), REDUCE, STOP
  const call = [Buffer.from([0x80, 2, 0x63]), ...name('os'), ...name('system'), Buffer.from([0x58]), size, text];
  return Buffer.concat([...call, Buffer.from([0x85, 0x52, 0x2e])]);
}

/** A zip archive of stored members. */
function zip(members: readonly (readonly [name: string, bytes: Buffer])[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of members) {
    const sizes = Buffer.alloc(16);
    sizes.writeUInt32LE(crc(bytes), 0);
    sizes.writeUInt32LE(bytes.length, 4);
    sizes.writeUInt32LE(bytes.length, 8);
    sizes.writeUInt16LE(name.length, 12);
    const version = Buffer.from([20, 0, 0, 0, 0, 0, 0, 0, 33, 0]);
    const offset = Buffer.alloc(4);
    offset.writeUInt32LE(at);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), version, sizes, Buffer.from(name), bytes]);
    central.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), version, sizes, Buffer.alloc(10), offset, Buffer.from(name)]),
    );
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** Models; each is the embedded one with one fault. */
export function writeModels(dir: string): void {
  copyFileSync(scene(1), join(dir, 'good.png'));
  /** A copy of the embedded model's configs, and its weights unless `weights` says otherwise. */
  function model(name: string, change: (path: (file: string) => string) => void): void {
    const folder = join(dir, name);
    cpSync(embedded, folder, { recursive: true });
    change(file => join(folder, file));
  }
  model('no-weights', path => rmSync(path('model.safetensors')));
  const config = (path: string, change: (json: Record<string, Record<string, unknown>>) => void) => {
    const json = JSON.parse(readFileSync(path, 'utf8'));
    change(json);
    writeFileSync(path, JSON.stringify(json));
  };
  const vision = (name: string, values: Record<string, unknown>) =>
    model(name, path => config(path('config.json'), json => Object.assign(json.vision_config!, values)));

  vision('deeper', { num_hidden_layers: 6 });
  vision('shallower', { num_hidden_layers: 4 });
  vision('wider', { hidden_size: 256 });
  vision('heads', { num_attention_heads: 7 });
  vision('relu', { hidden_act: 'relu' });
  vision('text-number', { hidden_size: '128' });
  vision('endless', { num_hidden_layers: 999_999 });
  model('not-clip', path => config(path('config.json'), json => Object.assign(json, { model_type: 'siglip' })));
  model('no-json', path => writeFileSync(path('config.json'), '{'));
  model('no-size', path => writeFileSync(path('preprocessor_config.json'), '{"size": -4}'));
  model('no-template', path => writeFileSync(path('clipscope.json'), '{"templates": ["no braces"]}'));
  model('cut', path =>
    writeFileSync(path('model.safetensors'), readFileSync(path('model.safetensors')).subarray(0, 99_999)),
  );
  mkdirSync(join(dir, 'empty'));

  const write = (name: string, bytes: Uint8Array | string) => writeFileSync(join(dir, name), bytes);
  write('tensor.safetensors', tensorFile('weight', 'F32', [2], floats(2)));
  write('index.json', '{"weight_map": {"a": "../../secret"}}');
  write(
    'hostile.pt',
    zip([
      ['a/data.pkl', hostilePickle(`touch ${join(dir, 'hostile')}`)],
      ['a/version', Buffer.from('3\n')],
    ]),
  );
  write('deflated.pt', deflateSync(Buffer.alloc(1000)));
}
