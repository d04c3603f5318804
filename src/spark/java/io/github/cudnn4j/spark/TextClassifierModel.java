package io.github.cudnn4j.spark;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.model.SequenceClassifier;
import io.github.cudnn4j.model.SequenceClassifier.Classification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.ml.Model;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.TaskCompletionListener;

/**
 * A trained classifier of texts. It adds the columns {@value #PREDICTION}, the most probable label,
 * and {@value #PROBABILITY} of it.
 */
public final class TextClassifierModel extends Model<TextClassifierModel> {
  private static final long serialVersionUID = 1;

  /** The column of labels found. */
  public static final String PREDICTION = "prediction";

  /** The column of how probable they are, from 0 to 1. */
  public static final String PROBABILITY = "probability";

  private static final String CONFIGURATION = "configuration";
  private static final int ROWS_AT_ONCE = 256;

  private final String uid;
  private final byte[] weights;
  private final String inputCol;
  private final DeviceChoice device;

  TextClassifierModel(byte[] weights, String inputCol, DeviceChoice device) {
    this.uid = Identifiable.randomUID("textClassifierModel");
    this.weights = weights;
    this.inputCol = inputCol;
    this.device = device;
    super();
  }

  /**
   * Reads what {@link #write} has written.
   *
   * @param inputCol the column of texts
   * @param device what to compute on
   */
  public static TextClassifierModel read(Path file, String inputCol, DeviceChoice device)
      throws IOException {
    return new TextClassifierModel(Files.readAllBytes(file), inputCol, device);
  }

  /** Writes the weights as safetensors, with the model's configuration as metadata. */
  public void write(Path file) throws IOException {
    Files.write(file, weights);
  }

  static byte[] weights(SequenceClassifier model) throws IOException {
    Path file = Files.createTempFile("cudnn4j", ".safetensors");
    try {
      SafeTensorsWriter writer =
          new SafeTensorsWriter().metadata(CONFIGURATION, Json.write(model.configuration()));
      model.parameters().save(writer);
      writer.write(file);
      return Files.readAllBytes(file);
    } finally {
      Files.delete(file);
    }
  }

  private static SequenceClassifier open(Device device, byte[] weights) throws IOException {
    Path file = Files.createTempFile("cudnn4j", ".safetensors");
    try {
      Files.write(file, weights);
      try (SafeTensors tensors = SafeTensors.open(file)) {
        String configuration = tensors.metadata().get(CONFIGURATION);
        if (configuration == null) {
          throw new IOException("the weights are without a configuration, so of another program");
        }
        Map<String, Object> described = Json.parseObject(configuration);
        var model = io.github.cudnn4j.model.Model.of(device, described, tensors);
        if (model instanceof SequenceClassifier classifier) {
          classifier.parameters().setReadOnly();
          return classifier;
        }
        try (model) {
          throw new IOException("the weights are of another model than a classifier");
        }
      }
    } finally {
      Files.delete(file);
    }
  }

  /**
   * Classifies the texts on the executors, each partition on a device that is opened for it. A text
   * that is null is read as an empty one.
   */
  @Override
  public Dataset<Row> transform(Dataset<?> dataset) {
    StructType schema = transformSchema(dataset.schema());
    int column = dataset.schema().fieldIndex(inputCol);
    Broadcast<byte[]> sent =
        JavaSparkContext.fromSparkContext(dataset.sparkSession().sparkContext()).broadcast(weights);
    DeviceChoice choice = device;
    MapPartitionsFunction<Row, Row> classify =
        rows -> new Classified(rows, column, choice, sent.value());
    return dataset.toDF().mapPartitions(classify, Encoders.row(schema));
  }

  /** The rows of a partition with their labels, some at a time. */
  private static final class Classified implements Iterator<Row> {
    private final Iterator<Row> rows;
    private final int column;
    private final SequenceClassifier model;
    private final List<Row> ready = new ArrayList<>();
    private int next;

    Classified(Iterator<Row> rows, int column, DeviceChoice choice, byte[] weights)
        throws IOException {
      this.rows = rows;
      this.column = column;
      Device device = Device.open(choice);
      atEnd(device::close);
      model = open(device, weights);
      atEnd(model::close);
    }

    /** The last to be told is the first to be closed. */
    private static void atEnd(Runnable close) {
      TaskCompletionListener listener = _ -> close.run();
      TaskContext.get().addTaskCompletionListener(listener);
    }

    @Override
    public boolean hasNext() {
      return next < ready.size() || rows.hasNext();
    }

    @Override
    public Row next() {
      if (next == ready.size()) {
        fill();
      }
      return ready.get(next++);
    }

    private void fill() {
      if (!rows.hasNext()) {
        throw new NoSuchElementException();
      }
      ready.clear();
      next = 0;
      while (rows.hasNext() && ready.size() < ROWS_AT_ONCE) {
        ready.add(rows.next());
      }
      List<Classification> found = model.classify(ready.stream().map(this::text).toList());
      for (int i = 0; i < found.size(); i++) {
        ready.set(i, with(ready.get(i), found.get(i)));
      }
    }

    private String text(Row row) {
      return row.isNullAt(column) ? "" : row.get(column).toString();
    }

    private static Row with(Row row, Classification found) {
      Object[] values = new Object[row.size() + 2];
      IntStream.range(0, row.size()).forEach(i -> values[i] = row.get(i));
      values[row.size()] = found.label();
      values[row.size() + 1] = found.probability();
      return RowFactory.create(values);
    }
  }

  static StructType withPrediction(StructType schema, String inputCol) {
    schema.fieldIndex(inputCol);
    return schema
        .add(PREDICTION, DataTypes.StringType, false)
        .add(PROBABILITY, DataTypes.DoubleType, false);
  }

  @Override
  public StructType transformSchema(StructType schema) {
    return withPrediction(schema, inputCol);
  }

  @Override
  public Param<?>[] params() {
    return new Param<?>[0];
  }

  @Override
  public TextClassifierModel copy(ParamMap extra) {
    return new TextClassifierModel(weights, inputCol, device).setParent(parent());
  }

  @Override
  public String uid() {
    return uid;
  }
}
