// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class MessageWriterTest {

    private final MessageWriter writer = new MessageWriter();

    private static FieldSpecifier field(String name, int length) {
        return new FieldSpecifier(ElementRegistry.iana().byName(name).orElseThrow(), length);
    }

    private static final List<Template> TEMPLATES =
            List.of(
                    new Template(256, List.of(field("sourceIPv4Address", 4), field("vlanId", 2))),
                    new Template(
                            257,
                            List.of(
                                    new FieldSpecifier(
                                            new InformationElement(
                                                    15,
                                                    32473,
                                                    "hops",
                                                    AbstractDataType.UNSIGNED32)))));

    @Test
    void writesHeaderTemplatesAndDataAsInSection3() {
        writer.startMessage(0x65535f00L, 5, -2);
        writer.writeTemplateSet(TEMPLATES);
        writer.startSet(256);
        int at = writer.extend(6);
        Arrays.fill(writer.array(), at, at + 6, (byte) 0xab);
        writer.endSet();
        writer.endMessage();

        assertThat(writer.toByteArray())
                .isEqualTo(
                        Hex.octets(
                                """
                                000a 0036           # Version 10, Length 54
                                65535f00            # Export Time
                                00000005            # Sequence Number
                                fffffffe            # Observation Domain ID
                                0002 001c           # Template Set, Length 28
                                0100 0002           # Template ID 256, 2 fields
                                0008 0004           # sourceIPv4Address
                                003a 0002           # vlanId
                                0101 0001           # Template ID 257, 1 field
                                800f 0004 00007ed9  # element 15 of enterprise 32473
                                0100 000a           # Data Set, Length 10
                                abab abab abab
                                """));
    }

    @Test
    void messagesStandBackToBackAndTheArrayGrows() throws Exception {
        for (int i = 0; i < 300; i++) {
            writer.startMessage(0, 0, 1);
            writer.writeTemplateSet(TEMPLATES);
            writer.endMessage();
        }
        assertThat(writer.length()).isEqualTo(300 * 44);
        ByteBuffer stream = ByteBuffer.wrap(writer.array(), 0, writer.length());
        IpfixReader reader = new IpfixReader();
        while (stream.hasRemaining()) {
            assertThat(reader.read("source", stream).templates())
                    .extracting(Template::length)
                    .containsExactly(12, 12);
        }
        assertThat(reader.counters().messages()).isEqualTo(300);
    }

    @Test
    void theArrayIsKeptForTheNextUse() {
        writer.extend(1 << 16);
        byte[] array = writer.array();
        writer.clear();
        assertThat(writer.length()).isZero();
        writer.extend(1 << 16);
        assertThat(writer.array()).isSameAs(array);
    }

    @Test
    void aMessageOfTheGreatestLengthCanBeReadBack() throws Exception {
        writer.startMessage(0, 0, 1);
        writer.startSet(300);
        writer.extend(MessageWriter.MAX_MESSAGE_LENGTH - 20);
        writer.endSet();
        writer.endMessage();
        Message message = new IpfixReader().read("source", ByteBuffer.wrap(writer.toByteArray()));
        assertThat(message.undecoded()).containsExactly(new Message.UndecodedSet(300, 65519));
    }

    @Test
    void aMessageBeyond16BitsOfLengthIsRefused() {
        writer.startMessage(0, 0, 1);
        writer.startSet(300);
        writer.extend(MessageWriter.MAX_MESSAGE_LENGTH - 19);
        writer.endSet();
        assertThatIllegalStateException()
                .isThrownBy(writer::endMessage)
                .withMessageContaining("65535");
    }

    @Test
    void thingsOutOfOrderAreRefused() {
        assertThatIllegalStateException().isThrownBy(() -> writer.startSet(256));
        assertThatIllegalStateException().isThrownBy(writer::endSet);
        assertThatIllegalStateException().isThrownBy(writer::endMessage);
        writer.startMessage(0, 0, 1);
        assertThatIllegalStateException().isThrownBy(() -> writer.startMessage(0, 0, 1));
        writer.startSet(256);
        assertThatIllegalStateException().isThrownBy(() -> writer.startSet(256));
        assertThatIllegalStateException().isThrownBy(writer::endMessage);
    }

    @Test
    void impossibleTemplatesAreRefused() {
        List<FieldSpecifier> fields = List.of(field("vlanId", 2));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Template(255, fields))
                .withMessageContaining("255");
        assertThatIllegalArgumentException().isThrownBy(() -> new Template(65536, fields));
        assertThatIllegalArgumentException().isThrownBy(() -> new Template(256, List.of()));
        assertThatIllegalArgumentException().isThrownBy(() -> new Template(256, fields, 2));
    }

    @Test
    void recordsThatAreWrittenAreRead() throws Exception {
        Template template =
                new Template(
                        300,
                        List.of(
                                field("sourceIPv4Address", 4),
                                field("interfaceName", FieldSpecifier.VARIABLE_LENGTH),
                                field("interfaceDescription", FieldSpecifier.VARIABLE_LENGTH),
                                field("octetDeltaCount", 8)));
        List<Object> values =
                List.of(InetAddress.getByName("192.0.2.12"), "eth0", "d".repeat(300), 7L);
        writer.startMessage(0, 0, 1);
        writer.writeTemplateSet(List.of(template));
        writer.startSet(300);
        writer.writeRecord(template, values);
        writer.writeRecord(template, values);
        writer.endSet();
        writer.endMessage();

        assertThat(new IpfixReader().read("a", ByteBuffer.wrap(writer.toByteArray())).records())
                .hasSize(2)
                .allSatisfy(record -> assertThat(record.values()).isEqualTo(values));
    }

    @Test
    void aValueOfAnotherTypeIsRefusedByTheNameOfItsField() {
        writer.startMessage(0, 0, 1);
        writer.startSet(256);
        int before = writer.length();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.writeRecord(TEMPLATES.get(0), List.of(1L, 2L)))
                .withMessage("sourceIPv4Address: Long 1 is no Inet4Address");
        assertThat(writer.length()).isEqualTo(before);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.writeRecord(TEMPLATES.get(0), List.of(1L)))
                .withMessage("Template 256 has 2 fields, not 1");
    }
}
