/** Values that do not depend on the inputs, computed on the cpu backend while a graph is made. */
import { loadCpuBackend } from '../cpuBackend.js';
import { findBackend, getKernel, type KernelBackend, type NamedAttrMap, type TensorInfo } from '../internals.js';
import { type Dim, type Elements, elementsOf, type KernelRecipe, type Value } from './graph.js';

/** What this file uses of the cpu backend; its public type tells less. */
type Cpu = KernelBackend & {
  firstUse: boolean;
  makeTensorInfo(shape: readonly number[], dtype: string, values?: Elements): TensorInfo;
  readSync(dataId: object): Elements;
  disposeIntermediateTensorInfo(info: TensorInfo): void;
};

/** The cpu backend, which is loaded when the first constant is computed: most graphs are recorded without. */
function cpuBackend(): Cpu {
  loadCpuBackend();
  const cpu = findBackend('cpu') as Cpu;
  // It advertises tfjs-node on its first use.
  cpu.firstUse = false;
  return cpu;
}

/** Whether a value can be known without running the graph. */
export const isConstant = ({ source, recipe }: Value): boolean =>
  recipe !== undefined || source?.kind === 'data' || source?.kind === 'tensor';

/** The elements of a constant; undefined when the value, or one it is made of, is none. */
export function evaluate(value: Value): Elements | undefined {
  const known = new Map<Value, Elements | undefined>();
  // What each is made of comes first, without calls in calls: a loop may have made a chain of thousands.
  const path = [value];
  while (path.length > 0) {
    const at = path.at(-1)!;
    const missing = known.has(at) ? [] : madeOf(at).filter(part => !known.has(part));
    path.push(...missing);
    if (missing.length > 0) continue;
    path.pop();
    if (!known.has(at))
      known.set(
        at,
        elementsOfValue(at, part => known.get(part)),
      );
  }
  return known.get(value);
}

const madeOf = ({ source, recipe }: Value): Value[] =>
  !source && recipe && 'kernel' in recipe ? Object.values(recipe.inputs) : [];

function elementsOfValue({ source, recipe }: Value, of: (value: Value) => Elements | undefined): Elements | undefined {
  if (source?.kind === 'data') return source.data;
  if (source?.kind === 'tensor') return source.read();
  if (!recipe) return undefined;
  return 'read' in recipe ? recipe.read() : compute(recipe, of)?.results[recipe.index]?.data;
}

/** What the cpu backend makes of an operation, if it has it and the inputs are known. `list`: it gives several tensors. */
export function compute(
  { kernel, inputs, attributes }: Omit<KernelRecipe, 'index'>,
  of: (value: Value) => Elements | undefined = evaluate,
): { results: { data: Elements; dtype: string; shape: number[] }[]; list: boolean } | undefined {
  const cpu = cpuBackend();
  const implementation = getKernel(kernel, 'cpu');
  if (!implementation) return undefined;
  const held: TensorInfo[] = [];
  try {
    // Operations on a list get their inputs as one.
    const infos = ('0' in inputs ? [] : {}) as Record<string, TensorInfo>;
    for (const [name, value] of Object.entries(inputs)) {
      const elements = of(value);
      if (!elements || !value.shape.every(isNumber)) return undefined;
      const info = cpu.makeTensorInfo(value.shape as number[], value.dtype, elements);
      held.push(info);
      infos[name] = info;
    }
    const made = implementation.kernelFunc({
      inputs: infos,
      attrs: attributes as NamedAttrMap,
      backend: cpu,
    });
    const list = Array.isArray(made);
    const infosMade = list ? made : [made];
    held.push(...infosMade);
    const results = infosMade.map(({ dataId, dtype, shape }) => {
      const values = cpu.readSync(dataId) as Elements | number[];
      const data = ArrayBuffer.isView(values) ? values.slice() : elementsOf(dtype as 'float32', values);
      return { data, dtype, shape };
    });
    return { results, list };
  } finally {
    for (const info of held) cpu.disposeIntermediateTensorInfo(info);
  }
}

const isNumber = (dim: Dim): dim is number => typeof dim === 'number';
