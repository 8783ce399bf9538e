/** Rows shorter than this are not brought to length 1 by TensorFlow: the root of its 1e-12 on squares (spec 9). */
export const tensorFlowFloor = 1e-6;
