export const makeChapter = async () => {};
