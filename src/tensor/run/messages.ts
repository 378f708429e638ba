/** What passes between this thread and the one of a session. */
import type { Program, Values } from './host.js';

type NamedValues = Readonly<Record<string, Values>>;

/** What can be asked of the thread, by name. */
export interface Tasks {
  start: { given: Program; result: undefined };
  run: { given: NamedValues; result: Record<string, Values> };
  kept: { given: undefined; result: Record<string, Values> };
  release: { given: undefined; result: undefined };
}

export type Request = {
  [Name in keyof Tasks]: { readonly id: number; readonly task: Name; readonly given: Tasks[Name]['given'] };
}[keyof Tasks];

export interface Reply {
  readonly id: number;
  readonly value?: Tasks[keyof Tasks]['result'];
  readonly failure?: Failure;
}

/** An error on its way between threads, which would lose its class. */
export interface Failure {
  readonly message: string;
  readonly isInput: boolean;
}

/** A copy in a buffer of its own, which can be given away: the original may be part of a larger one. */
export const asPlain = ({ data, ...rest }: Values): Values => ({ ...rest, data: data.slice() });
