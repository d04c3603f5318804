package io.github.cudnn4j.tape;

/** The losses of a {@link LinearChain}. */
enum ChainLoss {
  LIKELIHOOD,
  HINGE;

  Loss record(LinearChain chain, Tensor emissions, Indices labels) {
    return this == LIKELIHOOD ? chain.loss(emissions, labels) : chain.hinge(emissions, labels);
  }

  double loss(ReferenceChain chain) {
    return this == LIKELIHOOD ? chain.likelihoodLoss() : chain.hingeLoss();
  }

  double[][] gradients(ReferenceChain chain) {
    return this == LIKELIHOOD ? chain.likelihoodGradients() : chain.hingeGradients();
  }
}
