while (true) {
  console.log("all work and no play");
}
