interface Flux {
  level: number;
}

function fail(flux: Flux): never {
  throw new Error(`the flux is ${flux.level < 1 ? "low" : "high"}`);
}

fail({ level: 0 });
