/** The answer to a question during which nothing was heard: one that is older than what was heard is asked for again. */
export async function newest<Answer>(heard: () => number, ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const before = heard();
    const answer = await ask();
    if (before === heard()) return answer;
  }
}
