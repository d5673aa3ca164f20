// The living picture in the talk button: its shape follows who speaks, its colour says who. Colours are the style sheet's.
const SETTLES = 0.3; // share of the way to a new level, each frame
const FRAME_MS = 33;
const CALM_FRAME_MS = 100; // breathing is slow, and the models want the processors
const MOST_DOTS = 2; // of the screen, for a dot of the page: more costs and is not seen
const TURNING = ["THINKING", "connecting", "asking", "returning"];
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Orb {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.levels = { mic: 0, speaker: 0 };
    this.shown = 0;
    this.state = "offline";
    this.frame = null;
    new ResizeObserver(() => this.fit()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.colour());
    this.colour();
  }

  set(state) {
    this.state = state;
    this.canvas.dataset.state = state;
    if (state === "offline") this.levels = { mic: 0, speaker: 0 };
    this.colour();
    this.wake();
  }

  hear(levels) {
    Object.assign(this.levels, levels);
    this.wake();
  }

  colour() {
    const style = getComputedStyle(this.canvas);
    this.colours = ["--orb-from", "--orb-to", "--orb-glow"].map((name) => style.getPropertyValue(name).trim());
    if (this.frame === null) this.draw(performance.now());
  }

  fit() {
    const dots = Math.min(MOST_DOTS, devicePixelRatio);
    this.canvas.width = Math.round(this.canvas.clientWidth * dots);
    this.canvas.height = Math.round(this.canvas.clientHeight * dots);
    this.draw(performance.now());
  }

  // Runs only while something moves.
  wake() {
    if (this.frame !== null && !this.resting) return;
    clearTimeout(this.frame);
    this.resting = this.calm;
    this.frame = setTimeout(() => {
      this.resting = false;
      requestAnimationFrame((now) => this.step(now));
    }, this.resting ? CALM_FRAME_MS : FRAME_MS);
  }

  get calm() {
    return this.shown < 0.005 && this.target < 0.005 && !TURNING.includes(this.state);
  }

  get target() {
    const { mic, speaker } = this.levels;
    return Math.min(1, Math.sqrt(this.state === "SPEAKING" ? speaker : mic) * 1.2);
  }

  step(now) {
    this.frame = null;
    this.shown += (this.target - this.shown) * SETTLES;
    this.draw(now);
    if (!this.calm || (this.moves && !still.matches)) this.wake();
  }

  get moves() {
    return !["offline", "gone"].includes(this.state);
  }

  draw(now) {
    const { pen, canvas: { width, height } } = this;
    const time = still.matches ? 0 : now / 1000;
    const size = Math.min(width, height);
    const [from, to, glow] = this.colours;
    if (!size || !from) return;
    pen.clearRect(0, 0, width, height);
    pen.save();
    pen.translate(width / 2, height / 2);
    const breath = this.moves ? Math.sin(time * 1.6) * 0.008 : 0;
    const radius = size * (0.3 + breath + this.shown * 0.05);
    pen.globalAlpha = 0.18 + this.shown * 0.25;
    pen.fillStyle = glow;
    this.blob(radius * (1.08 + this.shown * 0.2), time * 0.8, this.shown * 0.5);
    pen.globalAlpha = 1;
    const light = pen.createLinearGradient(-radius, -radius, radius, radius);
    light.addColorStop(0, from);
    light.addColorStop(1, to);
    pen.fillStyle = light;
    this.blob(radius, time, this.shown);
    if (TURNING.includes(this.state)) this.arc(radius * 1.22, time, glow);
    pen.restore();
  }

  // A circle whose edge swings, the more the louder.
  blob(radius, time, level) {
    const { pen } = this;
    const swing = still.matches ? 0 : level * 0.11;
    pen.beginPath();
    for (let step = 0; step <= 90; step += 1) {
      const angle = (step / 90) * Math.PI * 2;
      const wave = Math.sin(angle * 3 + time * 3.1) + Math.sin(angle * 5 - time * 4.3) * 0.6 + Math.sin(angle * 2 + time * 1.7) * 0.8;
      const at = radius * (1 + (wave * swing) / 2.4);
      pen.lineTo(Math.cos(angle) * at, Math.sin(angle) * at);
    }
    pen.closePath();
    pen.fill();
  }

  arc(radius, time, colour) {
    const { pen } = this;
    pen.beginPath();
    pen.arc(0, 0, radius, time * 3, time * 3 + Math.PI * 0.6);
    pen.strokeStyle = colour;
    pen.lineWidth = radius * 0.06;
    pen.lineCap = "round";
    pen.stroke();
  }
}
