// Another sample rate, block after block: straight lines between samples on the way up, means on the way down.
// Enough for what a browser's device has beyond the server's rates (96 kHz): speech has next to nothing up there.
export class Resampler {
  constructor(from, to) {
    this.step = from / to; // input samples for each output sample
    this.last = 0;
    this.at = 0;
    this.sum = 0;
  }

  push(samples, give) {
    if (this.step === 1) for (const value of samples) give(value);
    else if (this.step < 1) this.up(samples, give);
    else this.down(samples, give);
  }

  up(samples, give) {
    for (const value of samples) {
      for (; this.at < 1; this.at += this.step) give(this.last + (value - this.last) * this.at);
      this.at -= 1;
      this.last = value;
    }
  }

  down(samples, give) {
    for (const value of samples) {
      let left = 1;
      while (this.at + left >= this.step) {
        const share = this.step - this.at;
        give((this.sum + value * share) / this.step);
        left -= share;
        this.sum = this.at = 0;
      }
      this.sum += value * left;
      this.at += left;
    }
  }
}
