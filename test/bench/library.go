//go:build peers

package main

import (
	"errors"

	sopslib "github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/decrypt"
	"github.com/getsops/sops/v3/keyservice"
	sopslog "github.com/getsops/sops/v3/logging"
	"github.com/sirupsen/logrus"

	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// hasLibrary is whether the sops library is built in. It brings the SDKs of three clouds,
// so quick mode does without.
const hasLibrary = true

func init() {
	for _, logger := range sopslog.Loggers {
		logger.SetLevel(logrus.FatalLevel)
	}
}

// libraryEncrypt encrypts as the sops command does.
func libraryEncrypt(plain []byte, recipients string) ([]byte, error) {
	store := common.StoreForFormat(formats.Dotenv, config.NewStoresConfig())
	branches, err := store.LoadPlainFile(plain)
	if err != nil {
		return nil, err
	}
	keys, err := sopsage.MasterKeysFromRecipients(recipients)
	if err != nil {
		return nil, err
	}
	var group sopslib.KeyGroup
	for _, key := range keys {
		group = append(group, key)
	}
	tree := sopslib.Tree{Branches: branches, Metadata: sopslib.Metadata{
		KeyGroups: []sopslib.KeyGroup{group}, UnencryptedSuffix: sopslib.DefaultUnencryptedSuffix, Version: sops.FormatVersion,
	}}
	dataKey, faults := tree.GenerateDataKeyWithKeyServices([]keyservice.KeyServiceClient{keyservice.NewLocalClient()})
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if err := common.EncryptTree(common.EncryptTreeOpts{DataKey: dataKey, Tree: &tree, Cipher: aes.NewCipher()}); err != nil {
		return nil, err
	}
	return store.EmitEncryptedFile(tree)
}

// libraryDecrypt is what the library offers to other programs: the identity is in the
// environment.
func libraryDecrypt(sealed string) (string, error) {
	plain, err := decrypt.DataWithFormat([]byte(sealed), formats.Dotenv)
	return string(plain), err
}
