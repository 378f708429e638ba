import type { ByteSource } from '../byteSource.js';
import { type PickleRules, peek, startMachine } from './machine.js';
import { operations } from './opcodes.js';
import type { Value } from './values.js';

/** A pickle's value, and the offset just after its STOP. */
export interface Unpickled {
  readonly value: Value;
  readonly end: number;
}

/** Rules of a pickle that refers to nothing: numbers, texts and containers only. */
export const plainRules: PickleRules = {
  global: () => undefined,
  persistent: (_id, fail) => fail('a persistent id where plain values are expected'),
};

/**
 * Reads one pickle at offset `start`, by an allow-list of opcodes and the globals that `rules` knows. It builds inert
 * records; nothing in the file is ever run. The format: Python's `pickletools`, protocols 2 to 5.
 * @throws InputError naming the source, the byte and the opcode or global when anything is not on the lists, does not
 * fit together, or takes more room than a checkpoint needs.
 */
export function unpickle(source: ByteSource, start: number, rules: PickleRules): Unpickled {
  const machine = startMachine(source, start, rules);
  const { input, stack, marks, fail } = machine;
  const [proto, version] = input.take(2);
  if (proto !== 0x80) fail('expected a pickle of protocol 2 or later (opcode PROTO)');
  if (version! < 2 || version! > 5) fail(`pickle protocol ${version}; expected 2 to 5`);
  for (;;) {
    machine.opcodeAt = input.at();
    machine.opcode = '';
    const opcode = input.take(1)[0]!;
    if (opcode === stop) break;
    const operation = operations.get(opcode);
    if (!operation) {
      return fail(
        `pickle opcode ${nameOf(opcode)} is outside the allow-list; ` +
          'expected plain tensors, as torch.save(model.state_dict(), path) writes',
      );
    }
    const [name, run] = operation;
    machine.opcode = name;
    run(machine);
  }
  if (marks.length > 0 || stack.length > 1) fail('the pickle stops with values left over');
  return { value: peek(machine), end: input.at() };
}

const stop = 0x2e;

/** The names of the refused opcodes, for messages. */
const refused: Readonly<Record<number, string>> = {
  48: 'POP',
  49: 'POP_MARK',
  50: 'DUP',
  70: 'FLOAT',
  73: 'INT',
  76: 'LONG',
  80: 'PERSID',
  83: 'STRING',
  84: 'BINSTRING',
  85: 'SHORT_BINSTRING',
  86: 'UNICODE',
  100: 'DICT',
  103: 'GET',
  105: 'INST',
  108: 'LIST',
  111: 'OBJ',
  112: 'PUT',
  128: 'PROTO (a second time)',
  130: 'EXT1',
  131: 'EXT2',
  132: 'EXT4',
  143: 'EMPTY_SET',
  144: 'ADDITEMS',
  145: 'FROZENSET',
  146: 'NEWOBJ_EX',
  150: 'BYTEARRAY8',
  151: 'NEXT_BUFFER',
  152: 'READONLY_BUFFER',
};

function nameOf(opcode: number): string {
  const hex = `0x${opcode.toString(16).padStart(2, '0')}`;
  const name = refused[opcode];
  return name ? `${name} (${hex})` : hex;
}
