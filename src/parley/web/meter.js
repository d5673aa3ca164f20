// Tells the peak of a sound ten times a second.
export function meter(context, source, tell) {
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  const samples = new Float32Array(analyser.fftSize);
  source.connect(analyser);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let peak = 0;
    for (const value of samples) peak = Math.max(peak, Math.abs(value));
    tell(peak);
  }, 100);
  return () => clearInterval(timer);
}
