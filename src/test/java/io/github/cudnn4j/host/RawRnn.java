package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.succeed;

import io.github.cudnn4j.bindings.Cudnn;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/**
 * One recurrent network with every argument of its three calls in a field, right at first, so that
 * a test can spoil one of them. Buffers are filled with reproducible random numbers.
 */
final class RawRnn {
  /** What a network is and the sequences that it gets; `lengths` are those of the batch. */
  record Setup(
      int cell,
      int bias,
      int type,
      int layers,
      boolean bidirectional,
      int input,
      int hidden,
      int layout,
      int time,
      int... lengths) {

    static Setup lstm(int type) {
      return new Setup(
          Cudnn.CUDNN_LSTM(),
          Cudnn.CUDNN_RNN_DOUBLE_BIAS(),
          type,
          2,
          true,
          5,
          4,
          Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED(),
          3,
          3,
          1);
    }

    Setup cell(int other) {
      return new Setup(
          other, bias, type, layers, bidirectional, input, hidden, layout, time, lengths);
    }

    Setup bias(int other) {
      return new Setup(
          cell, other, type, layers, bidirectional, input, hidden, layout, time, lengths);
    }

    Setup sequences(int newLayout, int newTime, int... newLengths) {
      return new Setup(
          cell, bias, type, layers, bidirectional, input, hidden, newLayout, newTime, newLengths);
    }

    int directions() {
      return bidirectional ? 2 : 1;
    }

    int batch() {
      return lengths.length;
    }

    int rows() {
      if (layout != Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED()) {
        return time * batch();
      }
      int rows = 0;
      for (int length : lengths) {
        rows += length;
      }
      return rows;
    }

    int inputElements() {
      return rows() * input;
    }

    int outputElements() {
      return rows() * hidden * directions();
    }

    int stateElements() {
      return layers * directions() * batch() * hidden;
    }
  }

  final RawCudnn cudnn;
  final Setup setup;
  final int type;

  MemorySegment handle;
  MemorySegment rnn;
  MemorySegment xDesc;
  MemorySegment yDesc;
  MemorySegment hDesc;
  MemorySegment cDesc;
  int forwardMode = Cudnn.CUDNN_FWD_MODE_TRAINING();
  int gradientMode = Cudnn.CUDNN_WGRAD_MODE_ADD();

  MemorySegment x;
  MemorySegment y;
  MemorySegment hx;
  MemorySegment hy;
  MemorySegment cx;
  MemorySegment cy;
  MemorySegment dx;
  MemorySegment dy;
  MemorySegment dhx;
  MemorySegment dhy;
  MemorySegment dcx;
  MemorySegment dcy;
  long weightBytes;
  MemorySegment weights;
  MemorySegment gradients;
  long workBytes;
  MemorySegment work;
  long reserveBytes;
  MemorySegment reserve;

  /** A network without dropout whose outputs' padding is filled with zeros. */
  RawRnn(RawCudnn cudnn, Setup setup) {
    this(cudnn, setup, MemorySegment.NULL, cudnn.scalar(setup.type, 0));
  }

  RawRnn(RawCudnn cudnn, Setup setup, MemorySegment dropout, MemorySegment fill) {
    this.cudnn = cudnn;
    this.setup = setup;
    type = setup.type;
    handle = cudnn.handle;
    rnn = descriptor(cudnn);
    succeed(set(rnn, setup, dropout, Cudnn.CUDNN_RNN_PADDED_IO_ENABLED()));
    xDesc = sequences(setup.input, fill);
    yDesc = sequences(setup.hidden * setup.directions(), fill);
    hDesc = cudnn.tensor(type, setup.layers * setup.directions(), setup.batch(), setup.hidden);
    cDesc = hDesc;
    weightBytes = cudnn.size(out -> Cudnn.cudnnGetRNNWeightSpaceSize(handle, rnn, out));
    workBytes = cudnn.size(out -> spaces(out, MemorySegment.NULL));
    reserveBytes = cudnn.size(out -> spaces(MemorySegment.NULL, out));

    var random = new Random(1);
    x = random(random, setup.inputElements());
    y = random(random, setup.outputElements());
    hx = random(random, setup.stateElements());
    hy = random(random, setup.stateElements());
    cx = random(random, setup.stateElements());
    cy = random(random, setup.stateElements());
    dx = random(random, setup.inputElements());
    dy = random(random, setup.outputElements());
    dhx = random(random, setup.stateElements());
    dhy = random(random, setup.stateElements());
    dcx = random(random, setup.stateElements());
    dcy = random(random, setup.stateElements());
    weights = random(random, weightElements());
    gradients = random(random, weightElements());
    work = cudnn.allocate(workBytes);
    reserve = cudnn.allocate(reserveBytes);
  }

  static MemorySegment descriptor(RawCudnn cudnn) {
    return cudnn.create(Cudnn::cudnnCreateRNNDescriptor, Cudnn::cudnnDestroyRNNDescriptor);
  }

  static int set(MemorySegment rnn, Setup setup, MemorySegment dropout, int flags) {
    return set(rnn, setup, Cudnn.CUDNN_LINEAR_INPUT(), dropout, flags);
  }

  static int set(MemorySegment rnn, Setup setup, int inputMode, MemorySegment dropout, int flags) {
    return Cudnn.cudnnSetRNNDescriptor_v8(
        rnn,
        Cudnn.CUDNN_RNN_ALGO_STANDARD(),
        setup.cell,
        setup.bias,
        setup.bidirectional ? Cudnn.CUDNN_BIDIRECTIONAL() : Cudnn.CUDNN_UNIDIRECTIONAL(),
        inputMode,
        setup.type,
        setup.type,
        RawCudnn.isDouble(setup.type) ? Cudnn.CUDNN_DEFAULT_MATH() : Cudnn.CUDNN_FMA_MATH(),
        setup.input,
        setup.hidden,
        setup.hidden,
        setup.layers,
        dropout,
        flags);
  }

  MemorySegment sequences(int vector, MemorySegment fill) {
    return sequences(cudnn, setup.type, setup.layout, setup.time, vector, fill, setup.lengths);
  }

  static MemorySegment sequences(
      RawCudnn cudnn,
      int type,
      int layout,
      int time,
      int vector,
      MemorySegment fill,
      int... lengths) {
    var data =
        cudnn.create(Cudnn::cudnnCreateRNNDataDescriptor, Cudnn::cudnnDestroyRNNDataDescriptor);
    succeed(
        Cudnn.cudnnSetRNNDataDescriptor(
            data, type, layout, time, lengths.length, vector, cudnn.ints(lengths), fill));
    return data;
  }

  int spaces(MemorySegment workOut, MemorySegment reserveOut) {
    return Cudnn.cudnnGetRNNTempSpaceSizes(handle, rnn, forwardMode, xDesc, workOut, reserveOut);
  }

  int weightElements() {
    return (int) (weightBytes / RawCudnn.bytes(type, 1));
  }

  private MemorySegment random(Random random, int count) {
    return cudnn.upload(type, random.doubles(count, -1, 1).toArray());
  }

  double[] read(MemorySegment memory, int count) {
    return cudnn.read(memory, type, count);
  }

  int forward() {
    return Cudnn.cudnnRNNForward(
        handle,
        rnn,
        forwardMode,
        MemorySegment.NULL,
        xDesc,
        x,
        yDesc,
        y,
        hDesc,
        hx,
        hy,
        cDesc,
        cx,
        cy,
        weightBytes,
        weights,
        workBytes,
        work,
        reserveBytes,
        reserve);
  }

  int backwardData() {
    return Cudnn.cudnnRNNBackwardData_v8(
        handle,
        rnn,
        MemorySegment.NULL,
        yDesc,
        y,
        dy,
        xDesc,
        dx,
        hDesc,
        hx,
        dhy,
        dhx,
        cDesc,
        cx,
        dcy,
        dcx,
        weightBytes,
        weights,
        workBytes,
        work,
        reserveBytes,
        reserve);
  }

  int backwardWeights() {
    return Cudnn.cudnnRNNBackwardWeights_v8(
        handle,
        rnn,
        gradientMode,
        MemorySegment.NULL,
        xDesc,
        x,
        hDesc,
        hx,
        yDesc,
        y,
        weightBytes,
        gradients,
        workBytes,
        work,
        reserveBytes,
        reserve);
  }
}
