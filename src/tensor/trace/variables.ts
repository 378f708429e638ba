/** Variables of TensorFlow.js, which a recording must not touch: they would be left with tensors that have no values. */
import { InputError } from '../../errors.js';
import { engine, VariableClass } from '../internals.js';

/** Does something that may make no variable and assign to none, as optimisers do. */
export function withoutVariables<T>(f: () => T): T {
  const { prototype } = VariableClass;
  const { assign } = prototype;
  const { makeVariable } = engine();
  const mend = 'give what changes as an input and return its new value, as compileStep does';
  prototype.assign = function () {
    throw new InputError(`compile: the function assigns to the variable '${this.name}'; ${mend}`);
  };
  engine().makeVariable = () => {
    throw new InputError(`compile: the function makes a variable; ${mend}`);
  };
  try {
    return f();
  } finally {
    prototype.assign = assign;
    engine().makeVariable = makeVariable;
  }
}
