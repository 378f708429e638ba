/** Something that answers one question at a time, each within a time limit. */

export interface LimitedWorker<Question, Answer> {
  /**
   * Asks and waits; never two at a time. Rejects when the other side breaks, is ended, or takes longer than so many
   * seconds, which ends it.
   */
  ask(question: Question, seconds: number): Promise<Answer>;
  /** Ends the other side; a question under way is rejected with this reason. */
  end(reason: string): void;
}

/** A worker, or a way to one. */
export interface Endpoint<Question, Answer> {
  post(question: Question): void;
  terminate(): void;
  /** Called once, with what to do with answers and with a breakdown. */
  listen(onAnswer: (answer: Answer) => void, onBroken: (reason: string) => void): void;
}

export function limitedWorker<Question, Answer>(other: Endpoint<Question, Answer>): LimitedWorker<Question, Answer> {
  let waiting: { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void } | undefined;
  let ended: Error | undefined;

  const end = (reason: string) => {
    ended ??= new Error(reason);
    other.terminate();
    waiting?.reject(ended);
  };
  other.listen(answer => waiting?.resolve(answer), end);

  return {
    ask(question, seconds) {
      const timer = setTimeout(() => end(`it takes longer than ${seconds} s`), 1000 * seconds);
      const answer = new Promise<Answer>((resolve, reject) => {
        waiting = { resolve, reject };
        if (ended) reject(ended);
        else other.post(question);
      });
      return answer.finally(() => clearTimeout(timer));
    },
    end,
  };
}

/** A worker of this page or worker. */
export const ofWorker = <Question, Answer>(worker: Worker): Endpoint<Question, Answer> => ({
  post: question => worker.postMessage(question),
  terminate: () => worker.terminate(),
  listen(onAnswer, onBroken) {
    worker.onmessage = ({ data }) => onAnswer(data);
    worker.onerror = event => {
      event.preventDefault();
      onBroken(`the worker broke (${event.message ?? 'no reason given'})`);
    };
  },
});

/** What lies behind a message port. @param terminate ends it there */
export const ofPort = <Question, Answer>(port: MessagePort, terminate: () => void): Endpoint<Question, Answer> => ({
  post: question => port.postMessage(question),
  terminate,
  listen(onAnswer) {
    port.onmessage = ({ data }) => onAnswer(data);
  },
});
