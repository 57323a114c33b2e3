const { setTimeout: sleep } = require("timers/promises");

async function work(number) {
  await sleep(200);
  return number;
}

Promise.all(Array.from({ length: 50 }, (_, number) => work(number))).then((finished) => {
  console.log(finished.length);
});
