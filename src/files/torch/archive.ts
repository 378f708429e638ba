import { InputError } from '../../errors.js';
import { type ByteSource, bytesFromMemory } from '../byteSource.js';
import { quoted } from '../quote.js';
import { torchRules } from './globals.js';
import { maxPickleBytes } from './machine.js';
import { unpickle } from './pickle.js';
import type { OpenedTorch } from './tensors.js';
import type { Storage } from './values.js';
import { readMember, readZip, type ZipMember } from './zip.js';

/**
 * Opens a zip archive of torch.save (since 1.6) or of TorchScript: under one folder, the object in `data.pkl`, each
 * storage in `data/<key>`. TorchScript archives have `constants.pkl` and `code/` besides, which are not read.
 * @throws InputError when the archive or the pickle is not as PyTorch writes it, or a storage has another size.
 */
export function openArchive(source: ByteSource): OpenedTorch {
  const members = readZip(source);
  const folder = folderOf(source, members);
  const names = [...members.keys()];
  const script = members.has(`${folder}constants.pkl`) && names.some(name => name.startsWith(`${folder}code/`));
  expectLittleEndian(source, members.get(`${folder}byteorder`));

  const pickle = members.get(`${folder}data.pkl`)!;
  if (pickle.size > maxPickleBytes) {
    throw new InputError(`${source.name}: ${pickle.name} has ${pickle.size} bytes; at most ${maxPickleBytes} are read`);
  }
  const storages = new Map<string, Storage>();
  const bytes = bytesFromMemory(readMember(source, pickle), `${source.name}: ${pickle.name}`);
  const { value, end } = unpickle(bytes, 0, torchRules(storages, script));
  if (end !== bytes.size) throw new InputError(`${bytes.name}: ${bytes.size - end} bytes follow the end of the pickle`);

  const member = (key: string) => members.get(`${folder}data/${key}`);
  for (const storage of storages.values()) expectMember(source, storage, member(storage.key));
  return {
    format: script ? 'torch-script' : 'torch-zip',
    root: value,
    readStorage: ({ key }, offset, length, into) => readMember(source, member(key)!, offset, length, into),
  };
}

/** The one folder that everything lies in, with its slash. */
function folderOf(source: ByteSource, members: ReadonlyMap<string, ZipMember>): string {
  const [first = ''] = members.keys();
  const folder = first.slice(0, first.indexOf('/') + 1);
  const stray = [...members.keys()].find(name => !name.startsWith(folder));
  if (folder === '' || stray !== undefined) {
    throw new InputError(
      `${source.name}: expected a PyTorch archive with all members in one folder, got ${quoted(stray ?? first)}`,
    );
  }
  if (!members.has(`${folder}data.pkl`)) {
    throw new InputError(`${source.name}: expected a PyTorch archive, but it has no ${quoted(`${folder}data.pkl`)}`);
  }
  return folder;
}

function expectLittleEndian(source: ByteSource, member: ZipMember | undefined): void {
  if (!member) return;
  const order = member.size <= 16 ? new TextDecoder().decode(readMember(source, member)) : '';
  if (order !== 'little') {
    throw new InputError(`${source.name}: its byte order is ${quoted(order)}; only "little" is read`);
  }
}

function expectMember(source: ByteSource, storage: Storage, member: ZipMember | undefined): void {
  if (!member) throw new InputError(`${source.name}: storage ${quoted(storage.key)} has no member in the archive`);
  if (member.size !== storage.bytes) {
    throw new InputError(
      `${source.name}: ${member.name} has ${member.size} bytes, but ${storage.elements} elements of ` +
        `${storage.dtype ?? 'bytes'} take ${storage.bytes}`,
    );
  }
}
