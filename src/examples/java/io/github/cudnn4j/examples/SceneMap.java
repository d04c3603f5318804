package io.github.cudnn4j.examples;

import module java.base;

import java.awt.*;
import java.awt.image.BufferedImage;
import java.util.List;

/** Draws a scene and how much is looked at each of its things. */
final class SceneMap {

  private static final List<Color> COLORS =
      List.of(
          new Color(214, 39, 40),
          new Color(44, 140, 44),
          new Color(31, 90, 200),
          new Color(240, 200, 20));

  private SceneMap() {}

  /** Draws the scene once for each look, things on grey as looked at, below both answers. */
  static BufferedImage of(Scene scene, Looker.Given given) {
    double[] weights = given.looks();
    int size = 90, gap = 40, looks = weights.length / Scene.THINGS;
    int width = looks * (Scene.SIDE * size + gap) + gap;
    var image = new BufferedImage(width, Scene.SIDE * size + 115, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    pen.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, width, image.getHeight());
    pen.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 18));
    pen.setColor(Color.BLACK);
    pen.drawString(scene.question() + "?", gap, 26);
    String answers = "The network answers " + given.answer() + ", right is " + scene.answer();
    pen.drawString(answers, gap, 52);
    for (int look = 0; look < looks; look++) {
      int left = gap + look * (Scene.SIDE * size + gap), top = 70;
      for (int i = 0; i < Scene.THINGS; i++) {
        Scene.Thing thing = scene.things().get(i);
        int x = left + thing.cell().x() * size, y = top + thing.cell().y() * size;
        double weight = weights[look * Scene.THINGS + i];
        pen.setColor(Color.getHSBColor(0, 0, (float) (1 - 0.65 * weight)));
        pen.fillRect(x, y, size, size);
        pen.setColor(Color.BLACK);
        pen.drawString(Math.round(100 * weight) + "", x + 4, y + 18);
        pen.translate(x + size / 2, y + size / 2);
        pen.setColor(COLORS.get(Scene.COLOURS.indexOf(thing.colour())));
        pen.fill(outline(thing.shape(), 28));
        pen.translate(-x - size / 2, -y - size / 2);
      }
      pen.setColor(Color.GRAY);
      for (int i = 0; i <= Scene.SIDE; i++) {
        pen.drawLine(left, top + i * size, left + Scene.SIDE * size, top + i * size);
        pen.drawLine(left + i * size, top, left + i * size, top + Scene.SIDE * size);
      }
      pen.setColor(Color.BLACK);
      pen.drawString("look " + (look + 1), left, top + Scene.SIDE * size + 26);
    }
    pen.dispose();
    return image;
  }

  /** A circle has 40 corners; every second of a star's ten is nearer. */
  private static Polygon outline(String shape, int radius) {
    int corners = List.of(40, 4, 3, 10).get(Scene.SHAPES.indexOf(shape));
    var outline = new Polygon();
    for (int i = 0; i < corners; i++) {
      double angle = 2 * Math.PI * i / corners - (corners == 4 ? Math.PI / 4 : Math.PI / 2);
      double reach = corners == 10 && i % 2 == 1 ? 0.4 * radius : radius;
      outline.addPoint(
          (int) Math.round(reach * Math.cos(angle)), (int) Math.round(reach * Math.sin(angle)));
    }
    return outline;
  }
}
