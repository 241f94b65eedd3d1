// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.AbstractDataType;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.InformationElement;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnterpriseElementsTest {

    private static final FlowBatch FLOW =
            new Flows()
                    .flow("192.0.2.1", "192.0.2.2", Flows.TCP)
                    .counts(7, 9000)
                    .mark(0x12345)
                    .batch();

    private static EnterpriseElements parse(String list) {
        return EnterpriseElements.parse(list, EnterpriseElements.DEFAULT_ENTERPRISE_NUMBER);
    }

    @Test
    void theMarkIsANumber() throws Exception {
        EnterpriseElements own = parse("matchedRule/1=mark");
        assertThat(own.registry().byId(1, 28972))
                .contains(
                        new InformationElement(
                                1, 28972, "matchedRule", AbstractDataType.UNSIGNED32));
        assertThat(Exported.records("matchedRule", own, FLOW))
                .extracting(DataRecord::toString)
                .containsExactly("matchedRule=74565");
    }

    @Test
    void aShorterMarkIsTheLargestThatFits() throws Exception {
        assertThat(Exported.records("rule:2", parse("rule/1=mark"), FLOW))
                .extracting(DataRecord::toString)
                .containsExactly("rule=65535");
    }

    @Test
    void anyFieldCanBeSentUnderANameOfOnesOwn() throws Exception {
        EnterpriseElements own = parse(" bytes/32473.5=octetDeltaCount , host/2=sourceHostName");
        assertThat(own.registry().byId(5, 32473))
                .map(InformationElement::type)
                .contains(AbstractDataType.UNSIGNED64);
        assertThat(
                        Exported.records(
                                "bytes:4,host,octetDeltaCount",
                                own,
                                Enriched.text(FLOW, "sourceHostName", "a.example")))
                .extracting(DataRecord::toString)
                .containsExactly("bytes=9000 host=a.example octetDeltaCount=9000");
    }

    @Test
    void aColumnWithTheNameOfAnIanaElementHasItsType() throws Exception {
        EnterpriseElements own =
                parse("as/1=bgpSourceAsNumber,application/2=column:applicationName");
        FlowBatch flow = Enriched.text(FLOW, "applicationName", "quic");
        assertThat(own.registry().byName("as").map(InformationElement::type))
                .contains(AbstractDataType.UNSIGNED32);
        assertThat(Exported.records("application,as", own, flow))
                .extracting(DataRecord::toString)
                .containsExactly("application=quic as=0");
    }

    @Test
    void aColumnOfAHookIsText() throws Exception {
        FlowBatch flow = Enriched.text(FLOW, "site", "Z\u00fcrich");
        assertThat(Exported.records("site,ipVersion", parse("site/3=column:site"), flow))
                .extracting(DataRecord::toString)
                .containsExactly("site=Z\u00fcrich ipVersion=4");
    }

    @Test
    void anElementOfOneIpVersionIsInItsTemplateOnly() {
        FieldList list =
                FieldList.parse(
                        "client,ipVersion",
                        parse("client/1=sourceIPv4Address"),
                        TemplateIds.DEFAULT);
        assertThat(list.templates())
                .extracting(template -> template.fields().size())
                .containsExactly(2, 1);
    }

    /** RFC 7011, section 3.2: the E bit, the identifier, the length, and then the PEN. */
    @Test
    void rfc7011_aFieldSpecifierWithEnterpriseNumber() {
        byte[] octets =
                Exported.octets(
                        Exported.process("rule:2", parse("rule/32473.32767=mark"), 1400), FLOW, 0);
        assertThat(HexFormat.of().formatHex(octets))
                .endsWith("00020010" + "01000001ffff000200007ed9" + "01000006" + "ffff");
    }

    @Test
    void noListIsNoElements() {
        assertThat(parse(" ")).isEqualTo(EnterpriseElements.NONE);
        assertThat(parse("a/1=mark")).isEqualTo(parse("a/28972.1=mark"));
        assertThat(parse("a/1=mark")).isNotEqualTo(parse("a/2=mark"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "rule=mark | 'rule=mark': write NAME/ID=SOURCE or NAME/ENTERPRISE.ID=SOURCE, such",
                "rule/1 | 'rule/1': write NAME/ID=SOURCE",
                "rule/1=mark, | '': write NAME/ID=SOURCE",
                "rule/-1=mark | 'rule/-1=mark': write NAME/ID=SOURCE",
                "rule/0=mark | 'rule/0=mark': identifiers are 1 to 32767",
                "rule/32768=mark | 'rule/32768=mark': identifiers are 1 to 32767",
                "rule/0.1=mark | enterprise number 0 is out of range: 1 to 4294967295",
                "rule/4294967296.1=mark | enterprise number 4294967296 is out of range",
                "OctetDeltaCount/1=mark | IANA has an element of that name: choose another",
                "a/1=mark,A/2=mark | 'A/2=mark': another element has that name: choose another",
                "a/1=mark,b/28972.1=mark | a has that identifier already: choose another",
                "a/1=octetDeltaCnt | no flow field and no column of an enrichment is called"
                        + " octetDeltaCnt; the nearest are octetDeltaCount",
                "a/1=site | a column that a hook adds is column:site",
                "a/1=column:sourceMacAddress | sourceMacAddress is macAddress",
            })
    void badElementsAreRefusedWithTheItemAndTheRemedy(String list, String error) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> parse(list))
                .withMessageStartingWith("can't use the enterprise element '")
                .withMessageContaining(error);
    }

    @Test
    void theUsualEnterpriseNumberIsCheckedToo() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EnterpriseElements.parse("a/1=mark", 0))
                .withMessageContaining("enterprise number 0 is out of range");
    }
}
