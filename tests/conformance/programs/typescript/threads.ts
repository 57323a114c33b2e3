import { setTimeout as sleep } from "timers/promises";

async function work(number: number): Promise<number> {
  await sleep(200);
  return number;
}

const finished = await Promise.all(Array.from({ length: 50 }, (_, number) => work(number)));
console.log(finished.length);
