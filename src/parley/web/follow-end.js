// Follows what is said, also when the room for it changes, unless somebody has scrolled back.
const NEAR_PX = 80; // from its end: somebody reads what is said now

// `wanted`: whether it is to be followed at all just now.
export function followEnd(box, wanted = () => true) {
  let following = true;
  const follow = (now = following) => {
    if (now && wanted()) box.scrollTop = box.scrollHeight;
  };
  box.addEventListener("scroll", () => {
    following = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
  });
  new ResizeObserver(() => follow()).observe(box);
  return { follow };
}
