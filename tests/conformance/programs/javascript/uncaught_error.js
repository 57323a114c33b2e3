function fail() {
  throw new Error("the flux is low");
}

fail();
