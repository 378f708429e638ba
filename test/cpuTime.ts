/** Milliseconds of processor time that work took, which other work on the machine does not lengthen as it does the clock's. */
export async function cpuTime(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
